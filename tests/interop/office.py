"""LibreOffice as a service, by Debian's Python: ``office.py PROFILE NSS``, an order a line (JSON), an answer each.

An order has ``do``: ``export`` (``in`` as a PDF, ``tagged`` or not, signed by the certificate of ``who`` or not
signed), or ``sign`` (the PDF ``in`` once more, as the menu "Sign Existing PDF" does).
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import uno  # type: ignore[import-not-found]  # Debian's, which no environment of ours has
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]


def started(profile, nss):
    """A running LibreOffice with its component context, and the process."""
    pipe = f"vermilion{os.getpid()}"
    environment = {**os.environ, "MOZILLA_CERTIFICATE_FOLDER": nss}
    options = ["--headless", "--norestore", "--nologo", "--nodefault", f"--accept=pipe,name={pipe};urp;"]
    process = subprocess.Popen(["soffice", f"-env:UserInstallation=file://{profile}", *options], env=environment)
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(240):
        try:
            return process, resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:
            time.sleep(0.25)
    process.kill()
    raise SystemExit("LibreOffice does not answer")


def values(**named):
    """Named values as UNO takes them."""
    return tuple(PropertyValue(name, 0, value, 0) for name, value in named.items())


class Office:
    """What is asked of LibreOffice."""

    def __init__(self, context):
        self._context = context
        # first of all: after an export it no longer finds the database
        security = self._service("com.sun.star.xml.crypto.SEInitializer").createSecurityContext("")
        self._certificates = security.getSecurityEnvironment().getPersonalCertificates()
        self._desktop = self._service("com.sun.star.frame.Desktop")

    def _service(self, name):
        return self._context.ServiceManager.createInstanceWithContext(name, self._context)

    def _certificate(self, who):
        for each in self._certificates:
            if f"CN={who}," in each.SubjectName:
                return each
        raise LookupError(who)

    def export(self, order):
        """Writer's export to PDF."""
        document = self._desktop.loadComponentFromURL(Path(order["in"]).as_uri(), "_blank", 0, values(Hidden=True))
        try:
            options = {"UseTaggedPDF": order["tagged"], "ExportFormFields": True, "ExportBookmarks": True}
            if "who" in order:
                certificate = self._certificate(order["who"])
                options |= {"SignPDF": True, "SignatureCertificate": certificate, "SignatureReason": "Agreed"}
            filtered = uno.Any("[]com.sun.star.beans.PropertyValue", values(**options))
            target = Path(order["out"]).as_uri()
            document.storeToURL(target, values(FilterName="writer_pdf_Export", FilterData=filtered))
        finally:
            document.close(True)

    def sign(self, order):
        """One more signature in a PDF, without opening it."""
        shutil.copyfile(order["in"], order["out"])
        access = self._service("com.sun.star.ucb.SimpleFileAccess")
        stream = access.openFileReadWrite(Path(order["out"]).as_uri())
        try:
            signatures = self._service("com.sun.star.security.DocumentDigitalSignatures")
            signed = signatures.signDocumentWithCertificate(self._certificate(order["who"]), None, stream)
        finally:
            stream.getOutputStream().flush()
            stream.getInputStream().closeInput()
        if not signed:
            raise RuntimeError("LibreOffice did not sign")


def main():
    process, context = started(sys.argv[1], sys.argv[2])
    office = Office(context)
    try:
        for line in sys.stdin:
            order = json.loads(line)
            try:
                getattr(office, order["do"])(order)
                answer = "done"
            except Exception as error:
                answer = f"failed {error!r}".replace("\n", " ")
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()
    finally:
        process.terminate()
        process.wait(30)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
