// @signpdf as a service: one order a line (JSON), one line of answer.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pdflibAddPlaceholder } from '@signpdf/placeholder-pdf-lib';
import { plainAddPlaceholder } from '@signpdf/placeholder-plain';
import { P12Signer } from '@signpdf/signer-p12';
import { SignPdf } from '@signpdf/signpdf';
import { PDFDocument } from 'pdf-lib';

const about = { reason: 'Agreed', contactInfo: 'nobody@example.com', name: 'Signer', location: 'Here', signatureLength: 8192 };

async function withPlaceholder(order) {
  const pdfBuffer = readFileSync(order.in);
  const widgetRect = order.box ?? [0, 0, 0, 0];
  if (order.placeholder === 'plain') return plainAddPlaceholder({ ...about, pdfBuffer, widgetRect });
  const pdfDoc = await PDFDocument.load(pdfBuffer);
  pdflibAddPlaceholder({ ...about, pdfDoc, widgetRect });
  return Buffer.from(await pdfDoc.save({ useObjectStreams: false }));
}

async function perform(order) {
  const signer = new P12Signer(readFileSync(order.keys), { passphrase: 'x' });
  writeFileSync(order.out, await new SignPdf().sign(await withPlaceholder(order), signer));
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await perform(JSON.parse(line));
    process.stdout.write('done\n');
  } catch (error) {
    process.stdout.write(`failed ${String(error.stack ?? error).replaceAll('\n', ' ')}\n`);
  }
}
