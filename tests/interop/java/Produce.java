import com.itextpdf.text.Rectangle;
import com.itextpdf.text.pdf.AcroFields;
import com.itextpdf.text.pdf.PdfReader;
import com.itextpdf.text.pdf.PdfSignatureAppearance;
import com.itextpdf.text.pdf.PdfStamper;
import com.itextpdf.text.pdf.security.BouncyCastleDigest;
import com.itextpdf.text.pdf.security.CrlClient;
import com.itextpdf.text.pdf.security.LtvVerification;
import com.itextpdf.text.pdf.security.MakeSignature;
import com.itextpdf.text.pdf.security.PrivateKeySignature;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.pdfbox.cos.COSArray;
import org.apache.pdfbox.cos.COSDictionary;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.PDPageContentStream;
import org.apache.pdfbox.pdmodel.PDResources;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.common.PDStream;
import org.apache.pdfbox.pdmodel.font.PDType1Font;
import org.apache.pdfbox.pdmodel.graphics.form.PDFormXObject;
import org.apache.pdfbox.pdmodel.interactive.annotation.PDAnnotationWidget;
import org.apache.pdfbox.pdmodel.interactive.annotation.PDAppearanceDictionary;
import org.apache.pdfbox.pdmodel.interactive.annotation.PDAppearanceStream;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.SignatureOptions;
import org.apache.pdfbox.pdmodel.interactive.form.PDAcroForm;
import org.apache.pdfbox.pdmodel.interactive.form.PDField;
import org.apache.pdfbox.pdmodel.interactive.form.PDSignatureField;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** iText 5 and PDFBox 2 as a service: one order a line, its words apart by tabs; one line of answer. */
public class Produce {
    static final char[] PASSWORD = "x".toCharArray();

    public static void main(String[] given) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
            Map<String, String> order = new HashMap<>();
            for (String word : line.split("\t")) {
                order.put(word.substring(0, word.indexOf('=')), word.substring(word.indexOf('=') + 1));
            }
            try {
                perform(order);
                System.out.println("done");
            } catch (Throwable error) {
                error.printStackTrace();
                System.out.println("failed " + String.valueOf(error).replace('\n', ' '));
            }
            System.out.flush();
        }
    }

    static void perform(Map<String, String> order) throws Exception {
        switch (order.get("do")) {
            case "itext-sign": itextSign(order); break;
            case "itext-fill": itextFill(order); break;
            case "itext-store": itextStore(order); break;
            case "pdfbox-sign": pdfboxSign(order); break;
            case "pdfbox-fill": pdfboxFill(order); break;
            default: throw new IllegalArgumentException(order.get("do"));
        }
    }

    static class Holder {
        final PrivateKey key;
        final Certificate[] chain;

        Holder(Map<String, String> order) throws Exception {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(new FileInputStream(order.get("keys")), PASSWORD);
            String alias = store.aliases().nextElement();
            key = (PrivateKey) store.getKey(alias, PASSWORD);
            chain = store.getCertificateChain(alias);
        }
    }

    static float[] box(Map<String, String> order) {
        if (!order.containsKey("box")) return null;
        String[] parts = order.get("box").split(" ");
        float[] box = new float[4];
        for (int each = 0; each < 4; each++) box[each] = Float.parseFloat(parts[each]);
        return box;
    }

    static void itextSign(Map<String, String> order) throws Exception {
        Holder who = new Holder(order);
        PdfStamper stamper = PdfStamper.createSignature(
            new PdfReader(order.get("in")), new FileOutputStream(order.get("out")), '\0', null, true);
        if (order.containsKey("compressed")) stamper.setFullCompression();
        PdfSignatureAppearance look = stamper.getSignatureAppearance();
        float[] box = box(order);
        if (order.containsKey("existing")) {
            look.setVisibleSignature(order.get("field"));
        } else {
            Rectangle place = box == null ? new Rectangle(0, 0, 0, 0) : new Rectangle(box[0], box[1], box[2], box[3]);
            look.setVisibleSignature(place, 1, order.get("field"));
        }
        look.setReason("Agreed");
        look.setCertificationLevel(Integer.parseInt(order.get("certify")));
        MakeSignature.signDetached(look, new BouncyCastleDigest(), new PrivateKeySignature(who.key, "SHA-256", "BC"),
            who.chain, null, null, null, 0,
            order.containsKey("cades") ? MakeSignature.CryptoStandard.CADES : MakeSignature.CryptoStandard.CMS);
    }

    static void itextFill(Map<String, String> order) throws Exception {
        PdfStamper stamper = new PdfStamper(
            new PdfReader(order.get("in")), new FileOutputStream(order.get("out")), '\0', true);
        if (!stamper.getAcroFields().setField(order.get("field"), order.get("value"))) {
            throw new IllegalStateException("no such field");
        }
        stamper.close();
    }

    /** Validation data of every signature, as iText's own example of several rounds adds them. */
    static void itextStore(Map<String, String> order) throws Exception {
        PdfStamper stamper = new PdfStamper(
            new PdfReader(order.get("in")), new FileOutputStream(order.get("out")), '\0', true);
        List<byte[]> lists = new ArrayList<>();
        for (String name : order.get("crls").split(";")) lists.add(Files.readAllBytes(Paths.get(name)));
        CrlClient offline = (certificate, url) -> lists;
        LtvVerification store = stamper.getLtvVerification();
        AcroFields fields = stamper.getAcroFields();
        for (String name : fields.getSignatureNames()) {
            store.addVerification(name, null, offline, LtvVerification.CertificateOption.WHOLE_CHAIN,
                LtvVerification.Level.CRL, LtvVerification.CertificateInclusion.YES);
        }
        store.merge();
        stamper.close();
    }

    static byte[] message(Holder who, byte[] content) throws IOException {
        try {
            CMSSignedDataGenerator maker = new CMSSignedDataGenerator();
            maker.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder()
                .build("SHA256withRSA", who.key, (X509Certificate) who.chain[0]));
            maker.addCertificates(new JcaCertStore(Arrays.asList(who.chain)));
            return maker.generate(new CMSProcessableByteArray(content), false).getEncoded();
        } catch (Exception error) {
            throw new IOException(error);
        }
    }

    static void pdfboxSign(Map<String, String> order) throws Exception {
        Holder who = new Holder(order);
        try (PDDocument document = PDDocument.load(new File(order.get("in")));
                OutputStream out = new FileOutputStream(order.get("out"))) {
            PDSignature signature = new PDSignature();
            signature.setFilter(PDSignature.FILTER_ADOBE_PPKLITE);
            signature.setSubFilter(PDSignature.SUBFILTER_ADBE_PKCS7_DETACHED);
            signature.setName("Signer");
            signature.setReason("Agreed");
            signature.setSignDate(Calendar.getInstance());
            int level = Integer.parseInt(order.get("certify"));
            if (level > 0) certify(document, signature, level);
            SignatureOptions options = new SignatureOptions();
            options.setPreferredSignatureSize(20000);
            float[] box = box(order);
            PDSignatureField field = null;
            if (order.containsKey("existing")) {
                field = (PDSignatureField) document.getDocumentCatalog().getAcroForm().getField(order.get("field"));
                field.getCOSObject().setItem("V", signature);
                box = field.getWidgets().get(0).getRectangle().getCOSArray().toFloatArray();
            } else if (box != null) {
                options.setVisualSignature(template(document, box));
            }
            document.addSignature(signature, content -> message(who, content.readAllBytes()), options);
            if (field != null && order.containsKey("kept")) {
                PDRectangle kept = new PDRectangle(box[0], box[1], box[2] - box[0], box[3] - box[1]);
                field.getWidgets().get(0).setRectangle(kept);
            }
            document.saveIncremental(out);
            options.close();
        }
    }

    /** A document with one visible signature field, out of which PDFBox takes the new one. */
    static java.io.InputStream template(PDDocument source, float[] box) throws IOException {
        try (PDDocument made = new PDDocument()) {
            PDPage page = new PDPage(source.getPage(0).getMediaBox());
            made.addPage(page);
            PDAcroForm form = new PDAcroForm(made);
            made.getDocumentCatalog().setAcroForm(form);
            form.setSignaturesExist(true);
            form.setAppendOnly(true);
            form.getCOSObject().setDirect(true);
            PDSignatureField field = new PDSignatureField(form);
            form.getFields().add(field);
            PDAnnotationWidget widget = field.getWidgets().get(0);
            PDRectangle place = new PDRectangle(box[0], box[1], box[2] - box[0], box[3] - box[1]);
            widget.setRectangle(place);
            PDStream stream = new PDStream(made);
            PDFormXObject shown = new PDFormXObject(stream);
            shown.setResources(new PDResources());
            shown.setFormType(1);
            shown.setBBox(new PDRectangle(place.getWidth(), place.getHeight()));
            PDAppearanceDictionary looks = new PDAppearanceDictionary();
            looks.getCOSObject().setDirect(true);
            PDAppearanceStream look = new PDAppearanceStream(shown.getCOSObject());
            looks.setNormalAppearance(look);
            widget.setAppearance(looks);
            try (PDPageContentStream content = new PDPageContentStream(made, look)) {
                content.beginText();
                content.setFont(PDType1Font.HELVETICA, 10);
                content.newLineAtOffset(4, 12);
                content.showText("Signed with PDFBox");
                content.endText();
            }
            java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
            made.save(out);
            return new ByteArrayInputStream(out.toByteArray());
        }
    }

    /** As PDFBox's examples certify. */
    static void certify(PDDocument document, PDSignature signature, int level) {
        COSDictionary catalogue = document.getDocumentCatalog().getCOSObject();
        COSDictionary parameters = new COSDictionary();
        parameters.setItem(COSName.TYPE, COSName.getPDFName("TransformParams"));
        parameters.setInt(COSName.P, level);
        parameters.setName(COSName.V, "1.2");
        parameters.setNeedToBeUpdated(true);
        COSDictionary reference = new COSDictionary();
        reference.setItem(COSName.TYPE, COSName.getPDFName("SigRef"));
        reference.setItem("TransformMethod", COSName.getPDFName("DocMDP"));
        reference.setItem("DigestMethod", COSName.getPDFName("SHA1"));
        reference.setItem("TransformParams", parameters);
        reference.setNeedToBeUpdated(true);
        COSArray references = new COSArray();
        references.add(reference);
        references.setNeedToBeUpdated(true);
        signature.getCOSObject().setItem("Reference", references);
        COSDictionary permissions = new COSDictionary();
        permissions.setItem("DocMDP", signature);
        permissions.setNeedToBeUpdated(true);
        catalogue.setItem("Perms", permissions);
        catalogue.setNeedToBeUpdated(true);
    }

    static void pdfboxFill(Map<String, String> order) throws Exception {
        try (PDDocument document = PDDocument.load(new File(order.get("in")));
                OutputStream out = new FileOutputStream(order.get("out"))) {
            PDAcroForm form = document.getDocumentCatalog().getAcroForm();
            PDField field = form.getField(order.get("field"));
            // what is drawn anew gets a number of its own, or PDFBox counts fewer objects (/Size) than there are
            if (order.containsKey("anew")) field.getWidgets().get(0).getCOSObject().removeItem(COSName.AP);
            field.setValue(order.get("value"));
            // whatever lies between the trailer and what was changed has to be marked as well
            document.getDocumentCatalog().getCOSObject().setNeedToBeUpdated(true);
            form.getCOSObject().setNeedToBeUpdated(true);
            ((COSArray) form.getCOSObject().getDictionaryObject(COSName.FIELDS)).setNeedToBeUpdated(true);
            field.getCOSObject().setNeedToBeUpdated(true);
            if (field.getCOSObject().getDictionaryObject(COSName.KIDS) instanceof COSArray) {
                ((COSArray) field.getCOSObject().getDictionaryObject(COSName.KIDS)).setNeedToBeUpdated(true);
            }
            for (PDAnnotationWidget widget : field.getWidgets()) {
                widget.getCOSObject().setNeedToBeUpdated(true);
                COSDictionary looks = widget.getCOSObject().getCOSDictionary(COSName.AP);
                if (looks != null) {
                    looks.setNeedToBeUpdated(true);
                    if (looks.getDictionaryObject(COSName.N) instanceof COSDictionary) {
                        ((COSDictionary) looks.getDictionaryObject(COSName.N)).setNeedToBeUpdated(true);
                    }
                }
            }
            document.saveIncremental(out);
        }
    }
}
