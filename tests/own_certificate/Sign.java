import com.itextpdf.text.pdf.PdfReader;
import com.itextpdf.text.pdf.PdfSignatureAppearance;
import com.itextpdf.text.pdf.PdfStamper;
import com.itextpdf.text.pdf.security.BouncyCastleDigest;
import com.itextpdf.text.pdf.security.MakeSignature;
import com.itextpdf.text.pdf.security.PrivateKeySignature;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Calendar;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.SignatureOptions;
import org.apache.pdfbox.pdmodel.interactive.form.PDSignatureField;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** Signs a PDF in a field that is there, as a counterparty's software does: Sign PROGRAM IN OUT FIELD KEYS.p12 */
public class Sign {
    public static void main(String[] given) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(given[4]), "x".toCharArray());
        String alias = store.aliases().nextElement();
        PrivateKey key = (PrivateKey) store.getKey(alias, "x".toCharArray());
        Certificate[] chain = store.getCertificateChain(alias);
        switch (given[0]) {
            case "itext": itext(given, key, chain, PdfSignatureAppearance.NOT_CERTIFIED); break;
            case "itext-certifying": itext(given, key, chain, PdfSignatureAppearance.CERTIFIED_NO_CHANGES_ALLOWED); break;
            default: pdfbox(given, key, chain);
        }
    }

    static void itext(String[] given, PrivateKey key, Certificate[] chain, int level) throws Exception {
        PdfStamper stamper =
            PdfStamper.createSignature(new PdfReader(given[1]), new FileOutputStream(given[2]), '\0', null, true);
        PdfSignatureAppearance look = stamper.getSignatureAppearance();
        look.setVisibleSignature(given[3]);
        look.setReason("Agreed");
        look.setCertificationLevel(level);
        MakeSignature.signDetached(look, new BouncyCastleDigest(), new PrivateKeySignature(key, "SHA-256", "BC"), chain,
            null, null, null, 0, MakeSignature.CryptoStandard.CADES);
    }

    /** As its examples do without a picture: it takes the field's box away. */
    static void pdfbox(String[] given, PrivateKey key, Certificate[] chain) throws Exception {
        try (PDDocument document = PDDocument.load(new File(given[1])); OutputStream out = new FileOutputStream(given[2])) {
            PDSignature signature = new PDSignature();
            signature.setFilter(PDSignature.FILTER_ADOBE_PPKLITE);
            signature.setSubFilter(PDSignature.SUBFILTER_ADBE_PKCS7_DETACHED);
            signature.setSignDate(Calendar.getInstance());
            PDSignatureField field =
                (PDSignatureField) document.getDocumentCatalog().getAcroForm().getField(given[3]);
            field.getCOSObject().setItem("V", signature);
            SignatureOptions options = new SignatureOptions();
            options.setPreferredSignatureSize(20000);
            float[] box = field.getWidgets().get(0).getRectangle().getCOSArray().toFloatArray();
            document.addSignature(signature, content -> {
                try {
                    CMSSignedDataGenerator maker = new CMSSignedDataGenerator();
                    maker.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder()
                        .build("SHA256withRSA", key, (X509Certificate) chain[0]));
                    maker.addCertificates(new JcaCertStore(Arrays.asList(chain)));
                    return maker.generate(new CMSProcessableByteArray(content.readAllBytes()), false).getEncoded();
                } catch (Exception error) {
                    throw new IOException(error);
                }
            }, options);
            if (given[0].equals("pdfbox-in-its-box")) {
                field.getWidgets().get(0).getRectangle().getCOSArray().setFloatArray(box);
            }
            document.saveIncremental(out);
        }
    }
}
