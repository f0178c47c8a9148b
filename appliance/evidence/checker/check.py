#!/usr/bin/env python3
"""Checks this evidence package with Python's standard library and openssl (3.0 or newer) alone; changes nothing.
仅用 Python 标准库和 openssl（3.0 或更高版本）核验本证据包；不改动任何文件。

    python3 check.py [CA.pem]

CA.pem is the root certificate that you trust, obtained from the issuer by another way than this package. Without
it the package's own certificates/ca.pem is used: that shows only that the package agrees with itself.
CA.pem 是您通过本包以外的途径取得并信任的根证书；不给出时使用包内 certificates/ca.pem，只能证明本包自身一致。
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import ipaddress
import json
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote

HERE = Path(__file__).resolve().parent
COMPLETED = "contract-completed"
NAMING_FILE = (COMPLETED, "archive-renewed")
NAMING_RECORD = {
    "agreement-accepted": ("agreement/", "signed", 0),
    "void-declared": ("voiding/", "signed", 0),
    **dict.fromkeys(("power-verified", "guest-certified", "anchor-approved"), ("authority/", "statement", 3600)),
}
ORIGINAL, PDF = "contract/contract.pdf", "contract/contract.signed.pdf"
CA, CHAIN, CRLS = "certificates/ca.pem", "certificates/chain.pem", "certificates/crls.pem"
DATED = ("crl", "-noout", "-issuer", "-lastupdate", "-nameopt", "sname,utf8,esc_ctrl,sep_comma_plus_space")
SEALS = ("manifest.json", "manifest.p7s", "manifest.tsq", "manifest.tsr")
LOG = ("log/log.pub.pem", "log/log.vkey", "log/checkpoint", "log/checkpoint.text", "log/checkpoint.sig")
RECORD = re.compile(
    r"((?:agreement|voiding)/.*|authority/(?:power|anchor|vouching)-[^/]*)[.]json|(?!signatures/)(.*)[.]p7s"
)
RANGE = rb"/ByteRange[\t\n\f\r ]*\[[\t\n\f\r ]*0" + 3 * rb"[\t\n\f\r ]+0*%d" + rb"[\t\n\f\r ]*\]"

# Forms of what is read below, so that each part can stand in one place only, and each value has one form.
NUMBER, DIGEST = r"(?:0|[1-9][0-9]{0,17})", r"[0-9a-f]{64}"
DAY, HOUR = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", r"(?:[01][0-9]|2[0-3])"
DATE = rf'"({DAY}T{HOUR}:[0-5][0-9]:[0-5][0-9]Z)"'
TEXT = r'"(?:[^"\\\x00-\x1f]|\\["\\bfnrt]|\\u00(?:0[0-7be-f]|1[0-9a-f]))*"'
PATH = r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*"
FILE = rf'{{"path":"{PATH}","sha256":"{DIGEST}","size":{NUMBER}}}'
FILES = rf'"created":{DATE.replace("(", "(?P<created>", 1)},"files":(?P<files>\[{FILE}(?:,{FILE})*\])'
LISTED = FILE.replace(PATH, f"({PATH})").replace(DIGEST, f"({DIGEST})").replace(NUMBER, f"({NUMBER})")
ROOT = r'"root":"(?P<root>[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"'
STATE = rf'"checkpoint":{{"origin":"(?P<origin>[^"\\\x00-\x1f]+)",{ROOT},"size":(?P<size>{NUMBER})}}'
ED25519 = bytes.fromhex("302a300506032b6570032100")  # what stands before the key in SubjectPublicKeyInfo
SIGNING_TIME = "object: signingTime (1.2.840.113549.1.9.5)"
OF_DATA = "\n      eContentType: pkcs7-data (1.2.840.113549.1.7.1)\n"
WITHOUT_DIGEST = ("rsaEncryption", "rsassaPss", "ED25519", "ED448")  # algorithms whose names tell of none
NOTHING_MORE = r"\n +(?:eContent|crls|unsignedAttrs):[ \n]+<(?:ABSENT|EMPTY)>"
FOR_ONE = rf'"made_for":{TEXT}(?:,"powers_stated_since":{NUMBER})?,"withheld":\[(?:{NUMBER}(?:,{NUMBER})*)?\]'
CONTRACT = (
    rf'{{{STATE},"contract":"(?P<about>[^" \\\x00-\x1f]+)",{FILES},'
    rf'"format":"vermilion-evidence-manifest/[123]"(?:,{FOR_ONE})?}}'
)
ASKED = (
    r"Version: 1\nHash Algorithm: sha256\nMessage data:\n(?: +.*\n)+"
    r"Policy OID: unspecified\nNonce: .*\nCertificate required: yes\nExtensions:\n"
)
NUMBERED = r"(?:[0-9]{8}|[1-9][0-9]{8,17})"
COSIGNED = re.compile("\u2014 [^ +]+ (?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\n")
PAIR = rf'"[a-z0-9_-]+":(?:{TEXT}|{NUMBER}|null|true|false)'
PAIRS = rf"({{(?:{PAIR}(?:,{PAIR})*)?}})"
ENTRY = rf'{{"at":{DATE},"commitments":{PAIRS},"format":"[a-z0-9/-]+","kind":"([a-z0-9-]+)","public":{PAIRS}}}'
FIELD = rf'[{{,]"([a-z0-9_-]+)":({TEXT}|[a-z0-9]+)'
CAPTURE = (
    rf'{{"capture":"(?P<about>[0-9a-f]{{24}})",{STATE},{FILES},'
    rf'"format":"vermilion-capture-manifest/1","made_for":{TEXT}}}'
)
OPENED = rf'({{"salt":{TEXT},"value":({TEXT})}})'
OPENING = rf'{{"address":{OPENED},"name":{OPENED},"title":{OPENED}}}'
INDEX = re.compile(rf"#.*|(?:signature|timestamp|own) [0-9]{{2,3}}(?: {NUMBER}){{3}}".encode())

LIMITS = """\
LIMIT whether what was added to the contract after a signature, up to its last byte, changed a page is not
      checked here. Have a program for signed PDFs verify contract/contract.signed.pdf as well.
      每个签名只覆盖上列字节；此后追加的内容是否改动了页面，不在此处核验，请另用可核验 PDF 签名的程序核验。
LIMIT what signed records and entries of the log mean is not judged: whether the parties had agreed to sign
      electronically, a power of attorney covers a signature, the contract is void. "vermilion verify" does that.
      已签名记录和日志条目的含义不在此处判断：各方是否已约定采用电子签名、授权委托书是否涵盖某次签署、合同
      是否已作废。请用 vermilion verify 核验。
LIMIT what the log has of this contract after that entry, that it is void for example, is not in this package:
      ask the keeper of the log. 此后的日志条目（例如合同已作废）不在本包内，请向日志的保管者查询。
"""
LISTED_ONLY = """\
LIMIT these files are as the manifest lists them; beyond that they are the portal's record:
      以下文件仅与清单一致，除此之外只是平台的记录："""
PROVEN = """\
PASS  who signed which bytes, and when, is proven as listed above, by certificates not revoked then by those lists;
      none of this contract's log entries is missing, up to the newest one here, or was changed
      上列签名由何人、何时、对哪些字节作出，均已核验；依据上列吊销列表，所用证书签署时未被吊销；
      本合同的日志条目，截至包内最新一条，没有缺失或改动"""
VOID = """\
NOTE  this contract may be VOID: have that judged by "vermilion verify". Records in voiding/ were signed by:
      本合同可能已作废，请用 vermilion verify 核验。voiding/ 内的记录由以下人员签名："""
OWN_ROOT = "NOTE  trusting the package's certificates/ca.pem; compare its fingerprint 请另行核对根证书的指纹："
UNPROVEN = """\
NOTE  all this holds only if that root is the issuer's (compare its fingerprint): anybody can make such a package
      with a root of their own 根证书确属签发方时（请核对指纹），以上结论才成立：任何人都能自制根证书和这样的包"""
UNREVOKED = """\
ok    the certificates are trusted and were not revoked when they signed, by these lists, of which the oldest of an
      issuer counts: of revocations after its date nothing is known 证书受信任；依据下列吊销列表，签署时未被吊销
      （同一签发方以最早的列表为准；列表日期之后的吊销无从得知）:"""
EARLIER = """\
NOTE  signatures that the contract had when it was given are not checked; who made them declared nothing by that
      合同提交时已带有的签名或时间戳，此处未核验；仅凭这些签名，其签署人未作任何声明"""
STATED = (
    rf'{{"act":"[0-9a-f]+","anchor":{{"certificate":"([0-9a-f]{{64}})","id":{TEXT},"organisation":({TEXT})}},.*'
)
ELSEWHERE = """\
      made elsewhere: the certificate was issued by {0}, not by this house. Officers have approved that for signers
      of {2} alone (authority/anchor-{1}.json): if the signer above is of another name, nobody here stands for it.
      Whether the certificate was revoked is not checked here
      外部签名：证书由上述机构颁发，非本单位；该机构仅就“{2}”的签署人获批准（authority/anchor-{1}.json），
      如上列签署人不属于该名称，本单位不予认可；此处不核验证书是否被吊销"""
OTHERS = re.compile("person-.*[.](document|hash)")  # whose certificates say so
FIELDS = ("contract", "sequence", "previous", "size", "digest", "signed", "signer")


RENEWALS = "renewals/"
RENEWAL = re.compile(r"renewals/(0[1-9]|[1-9][0-9])[.](?:crls[.]pem|pem|tsq|tsr|txt)")
OF_RENEWAL = (".crls.pem", ".pem", ".tsq", ".tsr", ".txt")
WARC, STAMP, WACZ, FACTS = "capture.warc.gz", "capture.warc.tsr", "capture.wacz", "capture.json"
GIVEN = (WACZ, WARC, "page.pdf", "page.png", "page.txt")
PICTURES = re.compile(r"session[.]webp|step-(?:0[1-9]|1[0-9]|20)[.]png")
OF_CAPTURES = re.compile(
    rf"{'|'.join(map(re.escape, (*GIVEN, 'capture.warc.tsq', STAMP, FACTS)))}|{PICTURES.pattern}"
    rf"|certificate[.](?:en|zh)[.]pdf|{RENEWALS}.*"
)
ALWAYS = {
    *(*GIVEN, "capture.warc.tsq", STAMP, FACTS, *SEALS, *LOG, "log/checkpoint.tst"),
    *("check.sh", "check.py", "verify.html", "README.en.txt", "README.zh.txt"),
    *("certificate.en.pdf", "certificate.zh.pdf"),
    *(f"certificates/{name}.pem" for name in ("ca", "chain", "crls", "evidence", "timestamping")),
}
SOMETIMES = re.compile(
    rf"log/(?:(?:entries|openings)/{NUMBERED}[.]json|proofs/{NUMBERED}[.]tlog-proof|witness-policy[.]txt)"
    rf"|certificates/timestamping-[1-9][.]pem|{PICTURES.pattern}"
)
CAPTURE_LIMITS = """\
LIMIT that a server sent these bytes, to a browser that nobody had prepared, is the word of whoever ran the
      machine: TLS shows that to the machine alone, and to nobody afterwards. Others may have seen another page.
      这些字节由网站服务器发出、且浏览器事先未被改动，仅凭取证设备运行方的说明：TLS 只能使当时的设备确认
      来源，事后无法向他人证明。其他访问者看到的网页可能不同。
LIMIT who ran the machine, who ordered the capture and why, and what else capture.json tells (servers, browser,
      clock) is not proven: it is what the machine wrote down then.
      设备由谁运行、何人因何取证，以及 capture.json 所载的其他内容（服务器、浏览器、时钟）均未经证明，
      仅为设备当时的记录。
LIMIT whether picture, PDF and text show what the recording holds is not checked; they are those of then, no more.
      截图、PDF 和文本是否与网页记录的内容相符，不在此处核验；只能证明它们是当时的文件。
"""
CAPTURE_PROVEN = """\
PASS  capture.warc.gz was there, byte for byte, at the time of its timestamp; it and the pictures, the text and the
      facts of the capture are those that the log names, and nothing was changed since
      在时间戳所载时刻，capture.warc.gz 已逐字节存在；该网页记录以及截图、文本和取证事实记录均为日志所载，
      此后没有改动"""
RUN_OUT = """\
the last timestamp of this package counts no longer, as its certificate has run out: nothing is proven by it now.
      Whoever made the package may have a copy with a later one: get it from there again
      最后一个时间戳的证书已过期，现已不能证明任何内容；制作方可能有续期后的副本，请重新获取"""
OF_LISTS = re.compile(
    r" {12}(X509v3 CRL Number:\s+(0x)?[0-9A-F]+"
    r"|X509v3 Authority Key Identifier:\s+(keyid:)?[0-9A-F]{2}(:[0-9A-F]{2})*"
    r"|X509v3 CRL Reason Code:\s+(Unspecified|(Key|CA|AA) Compromise|Affiliation Changed|Superseded"
    r"|Cessation Of Operation|Certificate Hold|Privilege Withdrawn)"
    r"|Invalidity Date:\s+[A-Z][a-z]{2} [ 0-9:]{16} GMT)"
)
"""What openssl tells of an extension of a revocation list that all programs read alike."""
FRACTION = re.compile(r"^ +(Last Update|Next Update|Revocation Date): .*[.]", re.MULTILINE)
UNLIKE = "that programs read differently 吊销列表来源不明或含有各程序解读不一的内容"
UNCOUNTED = "no revocation list that counted then 缺少当时有效的吊销列表"
MEMBERS = ("archive/capture.warc.gz", "indexes/index.cdx", "pages/pages.jsonl")
DESCRIPTION, SIGNED = "datapackage.json", "datapackage-digest.json"
DESCRIBED = ("created", "mainPageDate", "mainPageUrl", "profile", "resources", "software", "title", "wacz_version")
BY_NOBODY = ("created", "hash", "publicKey", "signature", "software", "version")
RECORD_HEAD = re.compile(rb"WARC/1[.]1(?:\r\n[A-Za-z-]+: [^\r\n]*)+")
RECORDED_AT = re.compile(rf"{DAY}T{HOUR}:[0-5][0-9]:[0-5][0-9][.][0-9]{{3}}Z")
ASKED_FOR = re.compile(
    r"""https?://(\[[0-9A-Fa-f:.]+\]|[!"$-.0-9;->A-Z^-~]+)(?::([0-9]{1,5}))?([/?][!"$-~]*)?"""
)  # an address as clients ask for it
MOST_RECORDED, BREAK = 256 * 1024 * 1024, b"\r\n\r\n"
PROMPT = 3600  # seconds that a capture takes at most, and that its recording waits for a timestamp
UNPLAIN = "capture.wacz is not a ZIP that can be read in one way only 无法以唯一方式读取"
UNLED = "the index in capture.wacz leads elsewhere than to each response of the recording 索引与网页记录不符"
LARGEST, LONGEST, MOST, MOST_CHAIN = 4 * 1024 * 1024, 2000, 200, 512 * 1024
SAID = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*"  # nothing that ends lines or turns them
MOMENT = re.compile(rf"{DAY}T{HOUR}:[0-5][0-9]:[0-5][0-9](?:[.](?!000)[0-9]{{3}}000)?[+]00:00")
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
COUNT, OFFSET = range(10**15), range(1 - 10**15, 10**15)


def named(form: object, *names: str) -> dict[str, object]:
    return dict.fromkeys(names, form)


LEAF = named(SAID, "issuer", "serial", "subject") | named(MOMENT, "not_after", "not_before")
TLS = {
    **named(SAID, "cipher", "host", "version", "why"),
    "certificates": [DIGEST],
    "chain": [BASE64],
    "leaf": (None, LEAF),
    "trust": "trusted|untrusted|house|none",
}
CLOCK = {
    **named((None, COUNT), "agreeing", "configured", "error"),
    "authentication": (None, "nts|key|both|none"),
    "offset": (None, OFFSET),
    "source": SAID,
    "state": "in-step|soon-out|out-of-step|stepped|unknown",
}
STEP = {
    **named(SAID, "address", "note", "picture", "result", "target"),
    "at": MOMENT,
    "kind": "scroll|click|wait|record",
    "milliseconds": COUNT,
}
HOST = named(SAID, "address", "host", "resolver") | named([SAID], "answers", "connected") | {"at": MOMENT}
PAGE = named(SAID, "address", "error", "title") | {"cut": [SAID], "height": COUNT, "loaded": (True, False)}
TRAFFIC = {
    **named(COUNT, "cut_in_all", "hosts", "received", "refused_in_all", "requests"),
    **named([named(SAID, "address", "why")], "cut", "refused"),
}
# capture.json: objects of just these names, lists (and how long at most), one of several, texts, numbers
LOGGED_IN = {
    **named(MOMENT, "began", "ended"),
    **named(COUNT, "exchanges", "hosts_in_all"),
    "hosts": [SAID],
}  # only where somebody logged in by hand
LIMITED = ("bytes", "connections", "height", "milliseconds", "requests", "response", "session_milliseconds")
CAPTURED = {
    **named(SAID, "address", "operator", "software", "zone"),
    **named(MOMENT, "began", "ended"),
    "capture": "[0-9a-f]{24}",
    "format": "vermilion-capture/1",
    "clock": (None, CLOCK),
    "page": PAGE,
    "browser": named(SAID, "package", "product") | {"command": [SAID], "sha256": DIGEST},
    "by": named(SAID, "name", "organisation", "purpose"),
    "files": [{"path": PATH, "sha256": DIGEST, "size": COUNT}],
    "limits": named(COUNT, *LIMITED),
    "network": {"allowed": [SAID], "only": [SAID], "proxy": SAID},
    "system": named(SAID, "kernel", "machine", "name", "version"),
    "hosts": [HOST],
    "recorded": [MOMENT, 2000],
    "steps": [STEP],
    "tls": [TLS],
    "traffic": TRAFFIC,
}


class LoggedEntry(NamedTuple):
    """One of the log's; ``at`` in seconds since 1970, ``public`` with texts without their quotes."""

    number: int
    path: str
    kind: str
    at: int
    public: dict[str, str]


class Failed(Exception):
    """Something does not hold; the sentence says what."""


def show(sentence: str) -> None:
    sys.stdout.buffer.write(f"{sentence}\n".encode())


def read(path: str) -> bytes:
    return (HERE / path).read_bytes()


def text_in(path: str) -> str:
    return read(path).decode()


def require(holds: object, sentence: str) -> None:
    if not holds:
        raise Failed(sentence)


def once(fields: list[tuple[str, str]]) -> bool:  # each, and in order
    names = [name for name, _ in fields]
    return names == sorted(set(names))


def seconds(date: str) -> int:
    whole = re.sub(r"[.][0-9]{0,5}[1-9] ", " ", " ".join(date.split()))  # no finer, as programs differ there
    return calendar.timegm(time.strptime(whole, "%b %d %H:%M:%S %Y GMT"))


def blocks(pem: str) -> list[str]:
    return re.findall(r"-----BEGIN .*?-----END [^\n]*\n", pem, re.DOTALL)


def parts(path: str) -> list[str]:  # of a PEM file
    return blocks(read(path).decode("ascii"))


def der(pem: str) -> bytes:
    return base64.b64decode("".join(pem.strip().split("\n")[1:-1]))


def inside(octets: bytes, at: int) -> tuple[int, int]:
    """Where the contents of the DER element there begin, and where it ends."""
    length, start = octets[at + 1], at + 2
    if length > 127:
        start += length - 128
        length = int.from_bytes(octets[at + 2 : start], "big")
    return start, start + length


def only_revoked(done: subprocess.CompletedProcess[bytes]) -> bool:
    """What openssl has against the certificate itself, and nothing else."""
    errors = re.findall(rb"^error \d.*", done.stdout + done.stderr, re.MULTILINE)
    return len(errors) == 1 and errors[0].startswith(b"error 23 at 0 depth lookup")


def form(stamp: str) -> list[str]:  # openssl's option for a token; a whole reply needs none
    return ["-token_in"] if stamp.endswith(".tst") else []


class Package:
    """What packages of every kind have: files, manifest, certificates, the log's checkpoint and entries of it.

    ``root`` is trusted; ``scratch`` is a folder of our own. ``judged``: the files that need not be named at the
    end. ``stamps``: each timestamp with its time. ``acted``: by when each certificate signed. ``about``: what the
    manifest names as the matter of the package."""

    form = limits = proven = ""
    fixed: tuple[str, ...] = ()

    def __init__(self, root: str, scratch: Path) -> None:
        self.trust, self.scratch = ["-CAfile", root], scratch
        self.chains, self.lists = [CHAIN], [CRLS]
        self.alone = [*self.trust, "-no-CApath", "-no-CAstore"]
        self.judged = {*SEALS, *LOG, *self.fixed}
        self.beside: set[str] = set()
        self.stamps: dict[str, int] = {}
        self.acted: dict[str, int] = {}
        self.asked: dict[tuple[str, ...], str] = {}
        self.verified: dict[tuple[str, str], subprocess.CompletedProcess[bytes]] = {}
        found = [path for path in HERE.rglob("*") if not path.is_dir() or path.is_symlink()]
        require(not any(path.is_symlink() for path in found), "there are links among the files 文件中有链接")
        self.present = {path.relative_to(HERE).as_posix() for path in found}
        manifest = re.fullmatch(self.form, text_in(SEALS[0]))
        said = manifest.groupdict() if manifest else {}
        self.about, self.origin, self.root = said["about"], said["origin"], said["root"]
        self.size = int(said["size"])
        time.strptime(said["created"], "%Y-%m-%dT%H:%M:%SZ")  # there is such a day
        self.files = [(path, digest, int(size)) for path, digest, size in re.findall(LISTED, said["files"])]
        self.made = self.stamp(SEALS[3])[0]

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
        command = ["openssl", *arguments]
        done = subprocess.run(command, cwd=HERE, input=given.encode(), capture_output=True, check=False)
        done.stdout = done.stdout.replace(b"\r\n", b"\n")  # Windows
        return done

    def told(self, *arguments: str, given: str = "") -> str:
        return self.run(*arguments, given=given).stdout.decode("utf-8", "replace")

    def about_pem(self, pem: str, *arguments: str) -> str:
        """What openssl tells of a certificate or list; it is asked once."""
        asked = (pem, *arguments)
        if asked not in self.asked:
            self.asked[asked] = self.told(*arguments, given=pem)
        return self.asked[asked]

    def kept(self, content: bytes) -> str:
        (self.scratch / "content").write_bytes(content)
        return str(self.scratch / "content")

    def signer(self, signature: str, content: bytes, at: int) -> str:
        """The certificate, valid at that time, by which the detached CMS over the content was made; or nothing."""
        signer = self.scratch / "signer"
        given = ["-in", signature, "-content", self.kept(content), "-certfile", CHAIN, "-attime", str(at)]
        into = ["-signer", str(signer), "-out", str(self.scratch / "output")]
        done = self.run("cms", "-verify", "-cades", "-binary", "-inform", "DER", *given, *into, *self.alone)
        return "" if done.returncode else signer.read_text("ascii")

    def stamp(self, path: str) -> tuple[int, str]:
        """The time of a timestamp: in seconds since 1970, and as openssl writes it."""
        told = self.told("ts", "-reply", *form(path), "-in", path, "-text")
        found = re.findall(r"^Time stamp: (.*)$", told, re.MULTILINE)
        require(len(found) == 1, f"{path} is no timestamp 时间戳无法读取")
        return seconds(found[0]), found[0]

    def dates(self, stamp: str, content: str, at: int) -> bool:
        """It is a good RFC 3161 timestamp over the content; a whole reply is one to the query beside it, too."""
        query = f"{stamp[:-1]}q"
        answer = bool(form(stamp)) or (self.answers(stamp, query) and self.counts(stamp, "-queryfile", query, at))
        return answer and self.counts(stamp, "-data", content, at)

    def counts(self, stamp: str, option: str, path: str, at: int) -> bool:
        """It is one over what is in that file, or to the query in it, by a certificate that was valid then."""
        chain = f"{stamp[:-4]}.pem" if stamp.startswith(RENEWALS) else CHAIN
        given = [*form(stamp), "-in", stamp, "-attime", str(at), "-untrusted", chain, *self.trust]
        return self.run("ts", "-verify", *given, option, path).returncode == 0

    def answers(self, reply: str, query: str) -> bool:
        """Both are as they are made here, and nothing else is in them."""
        asked = self.told("ts", "-query", "-in", query, "-text")
        granted = self.told("ts", "-reply", "-in", reply, "-text").startswith("Status info:\nStatus: Granted.\n")
        whole = self.made_anew("ts", "-query", "-in", query) == read(query) and read(query).endswith(b"\1\1\xff")
        whole = whole and self.made_anew("ts", "-reply", "-in", reply) == read(reply)
        return whole and granted and re.fullmatch(ASKED, asked) is not None

    def made_anew(self, *arguments: str) -> bytes:
        """What openssl writes of a file that it has read."""
        self.run(*arguments, "-out", str(self.scratch / "anew"))
        return (self.scratch / "anew").read_bytes()

    def subject(self, pem: str) -> list[str]:
        """Whom a certificate names, a line for each attribute."""
        told = self.told("x509", "-noout", "-subject", "-nameopt", "sname,utf8,esc_ctrl,sep_multiline", given=pem)
        return [line.strip(" ") for line in told.split("\n")[1:-1]]

    def is_service(self, pem: str) -> bool:
        """People and seals have a serialNumber, other services another extended key usage, authorities none."""
        kinds = [line.partition("=")[0] for line in self.subject(pem)]
        usage = self.told("x509", "-noout", "-ext", "extendedKeyUsage", given=pem)
        return "CN" in kinds and "serialNumber" not in kinds and "E-mail Protection" in usage

    def trusted(self, *paths: str, lists: str = "", given: str = "") -> subprocess.CompletedProcess[bytes]:
        """They lead to the trusted root. That they were valid when they signed, their signatures have shown."""
        options = ["-no_check_time", *([lists] if lists else [])]
        options += [option for each in self.lists if lists for option in ("-CRLfile", each)]
        if paths or (given, lists) not in self.verified:
            self.verified[given, lists] = self.run(*self.verifying, *options, *paths, given=given)
        return self.verified[given, lists]

    @property
    def verifying(self) -> list[str]:
        """What openssl verifies certificates with: the root that is trusted, and what leads to it."""
        return ["verify", *self.alone, *(option for each in self.chains for option in ("-untrusted", each))]

    def stands(self, pem: str, signed: int) -> bool:
        """It is trusted and, if one of the lists has it, then only since after it signed."""
        done = self.trusted(lists="-crl_check", given=pem)
        since = [*map(seconds, self.listed.get(self.serial(pem), ()))]
        good = only_revoked(done) and since if done.returncode else True
        return bool(good and all(signed < each for each in since) and not self.trusted(given=pem).returncode)

    def serial(self, pem: str) -> str:
        return self.about_pem(pem, "x509", "-noout", "-serial").strip().partition("=")[2]

    @cached_property
    def listed(self) -> dict[str, list[str]]:
        """By serial number, when the lists have it revoked and, where a key is in other hands, since when (RFC
        5280, 5.3.2). All lists count: openssl asks the newest alone, which need not have what has run out."""
        found: dict[str, list[str]] = {}
        for crl in (each for path in self.lists for each in parts(path)):
            told = self.about_pem(crl, "crl", "-noout", "-text").split("\n    Signature Algorithm:")[0]
            for entry in re.split(r"\n +Serial Number: ", told)[1:]:
                compromised = re.search(r"Reason Code: *\n +(Key|CA) Compromise", entry)
                kinds = "(?:Revocation|Invalidity)" if compromised else "Revocation"
                found.setdefault(entry.split("\n")[0], []).extend(re.findall(rf"{kinds} Date:\s+(.*)", entry))
        return found

    def path_of(self, pem: str) -> list[str]:
        """It, and all above it that the package has."""
        path = [pem]
        for each in path:
            issuer = self.about_pem(each, "x509", "-noout", "-issuer_hash")
            path += [above for subject, above in self.above if subject == issuer and above not in path]
        return path

    @cached_property
    def above(self) -> list[tuple[str, str]]:
        """What leads to the root, each certificate with whom it names."""
        found = dict.fromkeys(each for path in self.chains for each in parts(path))
        return [(self.about_pem(each, "x509", "-noout", "-subject_hash"), each) for each in found]

    def path_stands(self, pem: str, signed: int) -> bool:
        return all(self.stands(each, signed) for each in self.path_of(pem))

    def stamper(self, stamp: str, among: list[str]) -> str:
        """Which of these certificates, all that there are of timestamp authorities, made it."""
        token = self.token(stamp)
        verify = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", token, "-nointern", "-certfile"]
        by = [name for name in among if self.run(*verify, f"certificates/{name}.pem").returncode == 0]
        require(by, f"the certificate of {stamp} is not here 缺少时间戳证书")
        return by[0]

    def is_plain(self, message: str, version: str) -> bool:
        """What no signature covers in a CMS fits the rest: versions, and the names of the algorithms."""
        told = self.told("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", message)
        head, _, signer = told.rpartition("\n    signerInfos:")
        digests, used = (
            re.findall(f"\n {{{at}}}algorithm: (.*) ", part) for at, part in ((8, head), (10, signer))
        )
        versions = re.findall(r"\n {4}version: (.*)", head), re.findall(r"\n {8}version: (.*)", signer)
        fits = len(used) == 2 and (used[0].upper() in used[1].upper() or used[1] in WITHOUT_DIGEST)
        return versions == ([version], ["1"]) and fits and digests == used[:1]

    def names_signer(self, message: str, pem: str) -> bool:
        """It names its signer as the certificate does, octet by octet; to openssl other letters are the same."""
        found: list[bytes] = []
        certificate = der(pem)
        at = inside(certificate, inside(certificate, 0)[0])[0]  # version, serial number, algorithm, issuer
        while len(found) < 4:
            end = inside(certificate, at)[1]
            found.append(certificate[at:end])
            at = end
        named = found[3] + found[1]
        size = len(named).to_bytes(2, "big").lstrip(b"\0")
        head = size if len(named) < 128 else bytes([0x80 + len(size)]) + size
        return b"\2\1\1\x30" + head + named in (HERE / message).read_bytes()

    def own_alone(self, message: str, *more: str) -> bool:
        """The certificates in the message (PKCS #7) are the package's, or in the files *more*."""
        inside = self.told("pkcs7", "-inform", "DER", "-in", message, "-print_certs")
        known = "".join(map(text_in, [*(f"certificates/{name}" for name in self.names("certificates/")), *more]))
        return set(blocks(inside)) <= set(blocks(known))

    def token(self, stamp: str) -> str:
        token = self.scratch / f"token-{stamp.replace('/', '-')}"
        if not token.exists():
            self.run("ts", "-reply", *form(stamp), "-in", stamp, "-token_out", "-out", str(token))
        return str(token)

    def conclude(self) -> None:
        """Says what is not judged here, and what is proven."""
        found = (path for path in self.present - self.judged if not path.startswith("certificates/"))
        only = {re.sub("^log/openings/.*", "log/openings/", path) for path in found}
        show("\n      ".join([self.limits + LISTED_ONLY, *sorted(only)]))
        show(self.proven)

    def check(self) -> None:
        raise NotImplementedError

    def names(self, folder: str) -> list[str]:
        return sorted(path[len(folder) :] for path in self.present if path.startswith(folder))

    def check_files(self) -> None:
        root = self.trust[1]  # of more than one certificate all would be trusted, and one fingerprint shown
        alone = read(root).replace(b"\r", b"").strip() == self.run("x509", "-in", root).stdout.strip()
        require(alone, "the file of the root has to hold that certificate alone 根证书文件须仅含这一张证书")
        listed = [path for path, *_ in self.files]
        distinct = listed == sorted(listed) and len({path.lower() for path in listed}) == len(listed)
        require(
            distinct, "the manifest lists files twice, unsorted, or alike but for case 清单所列文件重复或未排序"
        )
        whole = sorted(self.present - self.beside) == sorted([*listed, *SEALS])
        require(whole, "files that the manifest does not list, or missing 文件多余或缺失")
        for path, digest, size in self.files:
            content = read(path)
            same = len(content) == size and hashlib.sha256(content).hexdigest() == digest
            require(same, f"{path} is not the one in the manifest 与清单不符")
        show("ok    every file is the one in the manifest, and no other is here 全部文件与清单一致，且无多余文件")

    def check_manifest(self) -> None:
        signer = self.signer(SEALS[1], read(SEALS[0]), self.made)
        told = self.told("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", SEALS[1])
        anew = self.made_anew("cms", "-cmsout", "-outform", "DER", "-inform", "DER", "-in", SEALS[1])
        formed = (
            anew == read(SEALS[1])
            and SIGNING_TIME in told
            and OF_DATA in told
            and len(re.findall(NOTHING_MORE, told)) == 3
        )
        require(signer and formed and self.is_plain(SEALS[1], "1"), "signature of the manifest 清单签名无效")
        require(self.is_plain(self.token(SEALS[3]), "3"), "timestamp of the manifest 清单时间戳无效")
        own = self.own_alone(SEALS[1]) and self.own_alone(self.token(SEALS[3]))
        require(own, "the manifest's seals carry a certificate that is not here 清单签名或时间戳另带其他证书")
        stampers = [
            text_in(f"certificates/{name}") for name in self.names("certificates/") if "timestamping" in name
        ]
        plain = any(self.names_signer(self.token(SEALS[3]), each) for each in stampers)
        plain = plain and self.names_signer(SEALS[1], signer)
        require(plain, "the manifest's seals name their signers otherwise than certificates do 签名人名称写法不符")
        own = signer == text_in("certificates/evidence.pem") and self.is_service(signer)
        require(own, "signature of the manifest by another than the evidence service 清单并非由证据服务签名")
        shown = self.check_dated(SEALS[3], SEALS[0], "the manifest 清单")
        show(f"ok    signature of the manifest by the evidence service, {shown} 清单签名与时间戳有效")

    def check_dated(self, stamp: str, content: str, what: str) -> str:
        """The timestamp is over the content: its time in words."""
        self.stamps[stamp], shown = self.stamp(stamp)
        require(self.dates(stamp, content, self.stamps[stamp]), f"timestamp of {what}时间戳无效")
        self.judged.add(stamp)
        return shown

    def until(self, stamp: str, _entries: list[LoggedEntry]) -> int:
        """When the timestamp is proven to have been there."""
        return self.made

    def check_certificates(self, entries: list[LoggedEntry]) -> None:
        """All lead to the trusted root, and none was revoked when it signed."""
        kinds = [(CA, "x509"), *((each, "x509") for each in self.chains), *((each, "crl") for each in self.lists)]
        for path, command in kinds:
            plain = "".join(self.about_pem(each, command) for each in parts(path)) == read(path).decode("ascii")
            require(plain, f"{path} has something else in it 文件有其他内容")
        require(self.are_whole(CRLS), f"{CRLS} has a list by no authority here, or with parts {UNLIKE}")
        whole = self.run(
            "verify", "-CAfile", CA, "-no-CApath", "-no-CAstore", "-no_check_time", "-check_ss_sig", CA
        )
        require(whole.returncode == 0, f"{CA} is no root certificate 并非根证书")
        files = self.names("certificates/")
        require(all(re.fullmatch("[^/]*[.]pem", name) for name in files), "certificates/ has other files 另有文件")
        others = re.compile("(?:ca|chain|crls|own-[0-9]+(?:-anchor)?)[.]pem")  # own ones: check_own
        names = [name[:-4] for name in files if not others.fullmatch(name)]
        stamping = [name for name in names if name.startswith("timestamping")]
        for stamp in (each for each in self.stamps if not each.startswith(RENEWALS)):
            by = self.stamper(stamp, stamping)
            self.acted[by] = max(self.until(stamp, entries), self.acted.get(by, 0))
        whole = self.trusted(*(f"certificates/{name}.pem" for name in names), lists="-crl_check_all")
        above = {self.serial(each) for path in self.chains for each in parts(path)}
        clear = not whole.returncode and not above & self.listed.keys()
        for name in names:
            path = f"certificates/{name}.pem"
            pem = read(path).decode("ascii")
            require(self.told("x509", "-in", path) == pem, f"{path} is more than a certificate 证书文件有其他内容")
            used = name in self.acted or name in ("evidence", *stamping)
            require(used, f"nothing here is signed by {path} 没有由该证书签名的内容")
            good = clear and self.serial(pem) not in self.listed
            good = good or self.path_stands(pem, self.acted.get(name, self.made))
            require(good, f"certificate {name} was revoked when it signed, or is not trusted 证书已吊销或不可信")
        show(UNREVOKED)
        for each in (each for path in self.lists for each in parts(path)):
            issuer, made = self.about_pem(each, *DATED).split("\n")[:2]
            show(f"      {issuer[7:]}; {made[11:]}")

    def are_whole(self, path: str) -> bool:
        """Each of these lists is by an authority here, a whole one that programs read alike, and says when the
        next one is due."""
        known = self.scratch / "known"  # whoever may have signed them
        authorities = [each for file in (*self.chains, self.trust[1]) for each in parts(file)]
        known.write_text("".join(filter(self.signs_lists, authorities)), "ascii")
        asked = ["crl", "-noout", "-nextupdate", "-no-CApath", "-no-CAstore", "-CAfile", str(known)]
        told = [self.run(*asked, given=each) for each in parts(path)]
        texts = [self.about_pem(each, "crl", "-noout", "-text") for each in parts(path)]
        whole = all(b"verify OK" in each.stderr and b"NONE" not in each.stdout for each in told)
        return whole and all(map(self.is_plain_list, texts))

    @staticmethod
    def is_plain_list(text: str) -> bool:
        """Nothing else is in it than extensions that programs read alike, and each certificate once."""
        extensions = re.findall(r"^ {12}\S.*(?:\n {13}.*)*", text, re.MULTILINE)
        known = all(map(OF_LISTS.fullmatch, extensions))
        serials = re.findall(r"^ {4}Serial Number: .*", text, re.MULTILINE)
        return known and len(set(serials)) == len(serials) and not FRACTION.search(text)

    def signs_lists(self, pem: str) -> bool:
        usage = re.search(r"\n {12}X509v3 Key Usage:.*\n(.*)", self.about_pem(pem, "x509", "-noout", "-text"))
        return usage is None or "CRL Sign" in usage[1]

    def check_checkpoint(self) -> None:
        checkpoint, text = read("log/checkpoint"), read("log/checkpoint.text")
        require(checkpoint.startswith(text + b"\n"), "log/checkpoint.text is not the checkpoint's 与检查点不符")
        same = text.decode() == f"{self.origin}\n{self.size}\n{self.root}\n"
        require(same, "the log's checkpoint is not the one that the manifest names 日志检查点与清单所载不符")
        names = ["-inkey", "log/log.pub.pem", "-sigfile", "log/checkpoint.sig", "-in", "log/checkpoint.text"]
        good = self.run("pkeyutl", "-verify", "-rawin", "-pubin", *names).returncode == 0
        kind, key, number = self.log_key()
        vkey = f"{self.origin}+{number.hex()}+{base64.b64encode(kind + key).decode()}\n"
        require(text_in("log/log.vkey") == vkey, "log/log.vkey is not the log's key 与日志公钥不符")
        lines = checkpoint.splitlines(True)  # the log's own signature comes first, those of witnesses after it
        own = f"\u2014 {self.origin} {base64.b64encode(number + read('log/checkpoint.sig')).decode()}\n"
        good = good and lines[4].decode() == own and all(COSIGNED.fullmatch(each.decode()) for each in lines[5:])
        require(good, "signature of the log's checkpoint 日志检查点签名无效")
        token = ("ts", "-reply", "-token_in", "-in", "log/checkpoint.tst", "-token_out")
        require(
            self.made_anew(*token) == read("log/checkpoint.tst"),
            "log/checkpoint.tst has something behind it 多余内容",
        )
        signed = self.kept(b"".join(lines[:5]))
        shown = self.check_dated("log/checkpoint.tst", signed, "the log's checkpoint 检查点")
        show(f"ok    the log's checkpoint and its timestamp, {shown} 日志检查点及其时间戳有效")

    def log_key(self) -> tuple[bytes, bytes, bytes]:
        """The log's public key as C2SP signed-note has it: its kind, the key, and the first octets of its hash."""
        pem = self.told("pkey", "-pubin", "-in", "log/log.pub.pem")
        require(pem == text_in("log/log.pub.pem"), "log/log.pub.pem is more than a key 公钥文件有其他内容")
        spki = der(pem)
        if not spki.startswith(ED25519):
            return b"\2", spki, hashlib.sha256(spki).digest()[:4]
        key = spki[len(ED25519) :]
        return b"\1", key, hashlib.sha256(f"{self.origin}\n".encode() + b"\1" + key).digest()[:4]

    def entries(self) -> list[LoggedEntry]:
        """Those of the log, in its order. Each is of one form, so that what is found in it stands in one place."""
        found: list[LoggedEntry] = []
        for name in self.names("log/entries/"):
            path = f"log/entries/{name}"
            said = re.fullmatch(ENTRY, text_in(path))
            at, private, kind, public = said.groups() if said else ("", "", "", "")
            fields, others = re.findall(FIELD, public), re.findall(FIELD, private)
            formed = said and once(fields) and once(others) and re.fullmatch(f"{NUMBERED}[.]json", name)
            require(formed, "a log entry has another form than entries have 日志条目格式不符")
            moment = calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ"))
            found.append(
                LoggedEntry(int(name[:-5]), path, kind, moment, {name: value.strip('"') for name, value in fields})
            )
        return sorted(found)

    def check_entry(self, number: int, path: str) -> str:
        """The hash of the entry, which is in the log: its proof leads to the root that the manifest names."""
        proof = path.replace("entries", "proofs").replace(".json", ".tlog-proof")
        head, _, checkpoint = read(proof).partition(b"\n\n")
        kind, index, *hashes = head.split(b"\n")
        own = (kind, index) == (b"c2sp.org/tlog-proof@v1", b"index %d" % number)
        require(own, f"{proof} is for another entry 证明属于另一条目")
        require(checkpoint == read("log/checkpoint"), f"{proof} is for another checkpoint 证明属于另一检查点")
        leaf = hashlib.sha256(b"\0" + read(path)).digest()
        siblings = [base64.b64decode(each, validate=True) for each in hashes]
        whole = number < self.size and all(len(each) == len(leaf) for each in siblings)
        whole = whole and [base64.b64encode(each) for each in siblings] == hashes
        in_log = whole and root_of(leaf, number, self.size, siblings) == base64.b64decode(self.root)
        require(in_log, f"log entry {number} is not in the log 日志条目不在日志中")
        self.judged |= {path, proof}
        return leaf.hex()


class ContractPackage(Package):
    """``carried``: what each signature of the contract covers, by whom. ``voiding``: who signed such records.
    ``ends``: of each timestamp in the contract where in it ends what it or its signature covers. ``stamped``: the
    SHA-256 of the contract up to the end of a document timestamp, and that timestamp."""

    form, limits, proven = CONTRACT, LIMITS, PROVEN
    fixed = (PDF, "contract/contract.tsq", "index.txt")

    def __init__(self, root: str, scratch: Path) -> None:
        super().__init__(root, scratch)
        self.carried: list[tuple[str, str, str]] = []
        self.voiding: list[str] = []
        self.ends: dict[str, int] = {}
        self.stamped: dict[str, str] = {}
        *index, rest = read("index.txt").split(b"\n")
        formed = not rest and all(map(INDEX.fullmatch, index))
        require(formed, "a line of index.txt has another form than lines have 索引中有格式不符的行")
        self.index = [line.decode().split() for line in index if not line.startswith(b"#")]

    def check(self) -> None:
        self.check_files()
        for path in self.present:
            other = OF_CAPTURES.fullmatch(path.lower())
            require(not other, f"{path} has no place in the package of a contract 另有文件")
        self.check_manifest()
        self.check_index()
        self.check_contract()
        for what, number, *places in self.index:
            checks = {"signature": self.check_signature, "own": self.check_own}
            checks.get(what, self.check_document_timestamp)(number, *map(int, places))
        self.check_records()
        self.check_checkpoint()
        entries = self.entries()
        self.check_certificates(entries)
        self.check_history(entries)

    def until(self, stamp: str, entries: list[LoggedEntry]) -> int:
        """Of those in the contract by the document timestamp after them, in the file and in time."""
        at = self.stamps[stamp]
        if stamp.startswith(("agreement/", "authority/", "voiding/")):
            return self.proven_by(f"{stamp[:-4]}.json", at, entries)
        end = self.ends.get(stamp, sys.maxsize)
        after = (self.stamps[each] for each in self.stamped.values() if self.ends[each] > end)
        return min([self.made, *(each for each in after if each >= at)])

    def proven_by(self, record: str, at: int, entries: list[LoggedEntry]) -> int:
        """By when the record was there: in the log, after the entry that names it (one of an acceptance or a
        declaration at their own time, of a statement within an hour of it), the first one counts by which the
        contract was completed or renewed as a file with a document timestamp that is not earlier than the record,
        and of which no entry had told by then. The later of both times counts; that the log was written promptly
        and in order, its writer says."""
        digest, named, told = hashlib.sha256(read(record)).hexdigest(), False, set[str]()
        for _, _, kind, logged, public in entries:
            file = public.get("digest", "-")
            if not named:
                told.add(file)
                if kind in NAMING_RECORD and public.get("contract", self.about) == self.about:
                    folder, field, late = NAMING_RECORD[kind]
                    named = record.startswith(folder) and public.get(field) == digest and abs(logged - at) <= late
            elif kind in NAMING_FILE and public.get("contract") == self.about and file not in told:
                stamp = self.stamps[self.stamped[file]] if file in self.stamped else 0
                if at <= stamp:
                    return min(self.made, max(logged, stamp))
        return self.made

    def conclude(self) -> None:
        super().conclude()
        if self.voiding:
            show("\n      ".join([VOID, *filter(None, self.voiding)]))

    def check_index(self) -> None:
        """It says of each signature and timestamp where in the contract it is, and of no other."""
        names = self.names("signatures/")
        stems = {name[:-4] for name in names if name.endswith((".p7s", ".tst"))}
        kinds = [["signature" if f"{stem}.p7s" in names else "timestamp", stem] for stem in stems]
        listed = [["signature" if line[0] == "own" else line[0], line[1]] for line in self.index]
        require(sorted(kinds) == sorted(listed), "index.txt does not go through all signatures 索引未列全签名")
        own = {f"own-{line[1]}{end}.pem" for line in self.index if line[0] == "own" for end in ("", "-anchor")}
        found = {name for name in self.names("certificates/") if name.startswith("own-")}
        require(own == found, "index.txt does not go through all signatures made elsewhere 索引未列全外部签名")
        require("01.p7s" in names, "there is no signature 没有任何签名")

    def check_contract(self) -> None:
        """It begins with the original; each signature that it has since is here once, at a place of its own."""
        document, given = read(PDF), read(ORIGINAL)
        require(document.startswith(given), "the signed contract does not begin with the given one 并非以其开头")
        carried, before = document.count(b"/ByteRange"), given.count(b"/ByteRange")
        places = {int(line[2]) for line in self.index if int(line[2]) >= len(given)}
        whole = len(self.index) == len(places) == carried - before
        require(whole, "a signature in the contract is not in this package 合同中有签名未列入本包")
        if before:
            show(EARLIER)
        shown = self.check_dated("contract/contract.tsr", PDF, "the signed contract 已签合同")
        show(f"ok    the signed contract begins with the contract as given, {shown} 以原始合同开头，时间戳有效")

    def covered(self, path: str, head: int, tail: int, length: int) -> bytes:
        """The bytes of the signed PDF that a signature covers, after a look at the gap: it holds the file alone,
        and these bytes themselves say where it is. With the gap elsewhere they are another document."""
        document, embedded = read(PDF), b"<" + read(path).hex().encode()
        gap = document[head:tail].lower()
        same = gap.startswith(embedded) and gap[len(embedded) :].replace(b"0", b"") == b">"
        require(same, f"{path} is not the one in the PDF 与 PDF 内不符")
        stated = re.compile(RANGE % (head, tail, length))
        said = stated.search(document, 0, head) or stated.search(document, tail, tail + length)
        require(said, f"what is signed does not say that {path} is there 所在位置与签署内容所载不符")
        return document[:head] + document[tail : tail + length]

    def own_signer(self, signature: str, content: bytes, at: int, anchor: str) -> str:
        """The same by a certificate of another house, which leads to the one in the file *anchor*."""
        signer = self.scratch / "signer"
        given = ["-in", signature, "-content", self.kept(content), "-attime", str(at), "-purpose", "any"]
        into = ["-signer", str(signer), "-out", str(self.scratch / "output")]
        believed = ["-CAfile", anchor, "-partial_chain", "-no-CApath", "-no-CAstore"]
        done = self.run("cms", "-verify", "-binary", "-inform", "DER", *given, *into, *believed)
        return "" if done.returncode else signer.read_text("ascii")

    def value(self, signature: str) -> str:
        """The value of the only signature in the CMS, as openssl writes octets: it alone stands at this depth."""
        told = self.run("asn1parse", "-inform", "DER", "-in", signature)
        shown = re.findall(rb"^ *\d+:d=5 .*: OCTET STRING *(.*)$", told.stdout, re.MULTILINE)
        return shown[0].decode("latin-1") if told.returncode == 0 and len(shown) == 1 else ""

    def check_signed(self, name: str, certificate: str, content: bytes) -> tuple[str, str, str]:
        """NAME.p7s signs the content, NAME.tst dates the signature's value: the certificate, whom it names as the
        log names people and seals, and name and time in words."""
        signature, value, stamp = (f"{name}.{ending}" for ending in ("p7s", "sig", "tst"))
        pem = f"certificates/{certificate}.pem"
        at, shown = self.stamp(stamp)
        if certificate.startswith("own-"):
            signer = self.own_signer(signature, content, at, f"certificates/{certificate}-anchor.pem")
        else:
            signer = self.signer(signature, content, at)
        require(signer, f"signature of {name} 签名无效")
        require(signer == read(pem).decode("ascii"), f"{pem} is not of its signature 证书并非签名所用证书")
        own = self.value(signature) == "[HEX DUMP]:" + read(value).hex().upper()
        require(own, f"{value} is not of its signature 签名值不符")
        self.check_dated(stamp, value, f"{name} ")
        self.judged |= {signature, value}
        if not certificate.startswith("own-"):
            self.acted[certificate] = max(at, self.acted.get(certificate, 0))
        subject = self.subject(signer)
        persons = [line.partition("=")[2] for line in subject if line.startswith("serialNumber=")]
        contracts = certificate.startswith("own-") or not any(map(OTHERS.fullmatch, persons))
        require(contracts, f"{name} is signed by a key for other software 由供其他软件使用的密钥签名")
        return signer, "\n".join(persons), f"{', '.join(subject)}; {shown}"

    def check_signature(self, number: str, *places: int) -> None:
        content = self.covered(f"signatures/{number}.p7s", *places)
        _, person, who = self.check_signed(f"signatures/{number}", number, content)
        if read(f"signatures/{number}.tst") in read(f"signatures/{number}.p7s"):
            self.ends[f"signatures/{number}.tst"] = places[1] + places[2]
        self.carried.append((hashlib.sha256(content).hexdigest(), person, self.about))
        reach, size = places[1] + places[2], len(read(PDF))
        show(f"ok    signature {number}, over {reach} of {size} bytes, by {who} 签名及其时间戳有效")

    def check_own(self, number: str, *places: int) -> None:
        """One that was made elsewhere, by a certificate of another house. Its anchor is the one that the
        authority of this house states to be approved (that statement is checked with the records), and the log
        names the very certificate for these bytes."""
        content, name = self.covered(f"signatures/{number}.p7s", *places), f"certificates/own-{number}-anchor.pem"
        signer, _, who = self.check_signed(f"signatures/{number}", f"own-{number}", content)
        same = self.told("x509", "-in", name) == read(name).decode("ascii")
        require(same, f"{name} is more than a certificate 证书文件有其他内容")
        anchor, own = (hashlib.sha256(der(pem)).hexdigest() for pem in (read(name).decode("ascii"), signer))
        stated = re.fullmatch(STATED, read(f"authority/anchor-{number}.json").decode())
        about, organisation = (stated[1] == anchor, stated[2][1:-1]) if stated else (False, "")
        require(about, f"authority/anchor-{number}.json is about another authority 批准声明属于另一机构")
        covers = hashlib.sha256(content).hexdigest()
        told = [
            each.public["signer"]
            for each in self.entries()
            if (each.kind, each.public.get("signed"), each.public.get("certificate"))
            == ("party-signed", covers, own)
        ]
        self.carried.append((covers, told[0], self.about))
        issued = self.told("x509", "-noout", *DATED[2:3], *DATED[4:], given=signer).strip().removeprefix("issuer=")
        reach, size = places[1] + places[2], len(read(PDF))
        show(f"ok    signature {number}, over {reach} of {size} bytes, by {who} 签名及其时间戳有效")
        show(ELSEWHERE.format(issued, number, organisation))

    def check_document_timestamp(self, number: str, *places: int) -> None:
        name = f"signatures/{number}.tst"
        shown = self.check_dated(name, self.kept(self.covered(name, *places)), f"the contract, {number}, 文档")
        self.ends[name] = places[1] + places[2]
        self.stamped[hashlib.sha256(read(PDF)[: self.ends[name]]).hexdigest()] = name
        show(f"ok    document timestamp {number}, {shown} 文档时间戳有效")

    def check_records(self) -> None:
        """Whatever is signed, or would be taken for signed: acceptances, declarations, statements about powers."""
        found = filter(None, map(RECORD.fullmatch, self.present.difference(SEALS)))
        for name in sorted({each[1] or each[2] for each in found}):
            content = read(f"{name}.json")
            signer, person, who = self.check_signed(name, name.replace("/", "-"), content)
            own = person != "" and f'"person":"{person}"'.encode() in content
            own = self.is_service(signer) if name.startswith("authority/") else own
            require(own, f"{name}.json is signed by somebody else than who may 并非由所载人员签名")
            self.judged.add(f"{name}.json")
            self.voiding += [who] if name.startswith("voiding/") else []
            show(f"ok    signature of {name}.json, by {who} 签名有效")

    def check_history(self, entries: list[LoggedEntry]) -> None:
        """Every entry is in the log; of this contract each names its place and the hash of the one before, so that
        none is missing up to the completion of this file. The log tells of just the signatures that it carries."""
        before, count, newest, ends, told = "-", 0, 0, False, []
        for number, path, kind, _, public in entries:
            leaf = self.check_entry(number, path)
            contract, sequence, previous, size, digest, signed, signer = (public.get(name, "-") for name in FIELDS)
            told += [(signed, signer, contract)] if kind == "party-signed" else []
            if contract == self.about:
                count, newest = count + 1, number
                follows = (sequence, previous) == (str(count), before)
                require(follows, f"the history has a gap before log entry {number} 历史记录在此条目之前有缺失")
                before = leaf
                if kind == COMPLETED:
                    whole = read(PDF)[: int(size)] if re.fullmatch("[0-9]+", size) else b""
                    ends = whole != b"" and hashlib.sha256(whole).hexdigest() == digest
                self.voiding += [""] if kind == "contract-voided" else []
        require(ends, "the history does not end with the signed file 历史记录未载明该签署文件已完成")
        shown = f"has no gap: {count} entries, all in the log 截至该条目，历史记录完整无缺"
        show(f"ok    the history up to log entry {newest} {shown}")
        same = sorted(told) == sorted(self.carried)
        require(same, "the log tells of other signatures than the contract carries 日志所载签名与合同内签名不符")
        show("ok    the log tells of exactly the signatures in the contract 日志所载签名与合同内签名一致")


def root_of(current: bytes, index: int, size: int, hashes: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, with the hashing of RFC 6962, 2.1; nothing where the proof has another length."""
    last = size - 1
    for sibling in hashes:
        if last == 0:
            return b""
        if index % 2 or index == last:
            current = hashlib.sha256(b"\1" + sibling + current).digest()
            while not index % 2 and index:
                index, last = index // 2, last // 2
        else:
            current = hashlib.sha256(b"\1" + current + sibling).digest()
        index, last = index // 2, last // 2
    return current if last == 0 else b""


def opened(root: str, scratch: Path) -> Package:
    """The package here, of the kind that its manifest has the form of."""
    for kind in KINDS:
        if re.fullmatch(kind.form, text_in(SEALS[0])):
            return kind(root, scratch)
    raise Failed("manifest.json is not in its one form 清单格式不符")


def fits(value: Any, form: Any) -> bool:
    """Whether a value of capture.json is of that form."""
    if isinstance(form, dict):
        same = isinstance(value, dict) and value.keys() == form.keys()
        return same and all(fits(value[name], form[name]) for name in form)
    if isinstance(form, list):
        few = isinstance(value, list) and len(value) <= (form[1:] or [MOST])[0]
        return few and all(fits(each, form[0]) for each in value)
    if isinstance(form, tuple):
        return any(fits(value, each) for each in form)
    if isinstance(form, range):
        return type(value) is int and value in form
    if isinstance(form, (str, re.Pattern)):
        short = isinstance(value, str) and (form is BASE64 or len(value) <= LONGEST)
        moment = form is not MOMENT or (short and re.fullmatch(form, value) and datetime.fromisoformat(value))
        return bool(short and moment and re.fullmatch(form, value))
    return value is form


def fitted(text: str) -> str:
    """A text of strangers as capture.json has it."""
    shown = re.sub(f"[{SAID[2:-2]}\ud800-\udfff]", "\ufffd", text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def object_in(octets: bytes, most: int = 2 * LARGEST) -> dict[str, Any]:
    """The JSON object there; an empty one where there is none."""
    try:
        told: Any = json.loads(octets.decode()) if len(octets) <= most else None
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def facts_in(encoded: bytes) -> dict[str, Any]:
    """What capture.json tells; it is canonical JSON of one form."""
    try:
        require(len(encoded) <= LARGEST, "")
        facts: Any = json.loads(encoded.decode())
        anew = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        optional = {"log_in": LOGGED_IN} if "log_in" in facts else {}
        require(anew.encode() == encoded and fits(facts, {**CAPTURED, **optional}) and facts["address"], "")
        chains = [(each["certificates"], [*map(base64.b64decode, each["chain"])]) for each in facts["tls"]]
        carried = [each for tls in facts["tls"] for each in tls["chain"]]
        require(sum(map(len, carried)) <= MOST_CHAIN and len(carried) <= 2000, "")
        same = (not der or [hashlib.sha256(each).hexdigest() for each in der] == told for told, der in chains)
        require(all(same), "")
        moments = [facts["began"], facts["ended"]]
        if optional:
            moments = [facts["log_in"]["began"], facts["log_in"]["ended"], *moments]
            require(len(facts["log_in"]["hosts"]) <= facts["log_in"]["hosts_in_all"], "")
        times = [*map(datetime.fromisoformat, moments)]
        require(times == sorted(times), "")
    except (Failed, ValueError, RecursionError, TypeError) as error:
        raise Failed("capture.json is not in its one form 取证事实记录格式不符") from error
    return dict(facts)


def members(warc: bytes) -> list[tuple[int, int, bytes]]:
    """Of each gzip member of the recording where it starts, its length, and what it has."""
    found, at, left = [], 0, MOST_RECORDED
    view = memoryview(warc)
    while at < len(warc):
        require(warc[at : at + 4] == b"\x1f\x8b\x08\0", UNLED)
        unpacking, content, given = zlib.decompressobj(31), [], at
        while not unpacking.eof:
            block = view[given : given + 65536]
            given += len(block)
            content.append(unpacking.decompress(block))
            left -= len(content[-1])
            require(block and left >= 0, UNLED)
        end = given - len(unpacking.unused_data)
        found.append((at, end - at, b"".join(content)))
        at = end
    return found


def responses_in(warc: bytes) -> tuple[dict[int, dict[str, str]], dict[int, str]]:
    """What an index says of each response of the recording, by where it starts; and by what method it was asked
    for, where the request is there."""
    found, numbers, methods = {}, {}, {}
    for at, length, record in members(warc):
        head, _, rest = record.partition(BREAK)
        block = rest[: -len(BREAK)]
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        whole = (
            RECORD_HEAD.fullmatch(head) and rest == block + BREAK and fields["Content-Length"] == str(len(block))
        )
        once = len({name.lower() for name in fields}) == head.count(b"\r\n")
        require(whole and once, UNLED)
        if fields["WARC-Type"] == "response":
            formed = ASKED_FOR.fullmatch(fields["WARC-Target-URI"]) and RECORDED_AT.fullmatch(fields["WARC-Date"])
            require(formed and fields["WARC-Record-ID"] not in numbers, UNLED)
            datetime.fromisoformat(fields["WARC-Date"][:-1])  # there is such a moment
            numbers[fields["WARC-Record-ID"]] = at
            told = {"url": fields["WARC-Target-URI"], **listed_of(block), "length": str(length), "offset": str(at)}
            found[at] = {"at": re.sub("[^0-9]", "", fields["WARC-Date"]), **told, "filename": WARC}
        elif fields["WARC-Type"] == "request" and "WARC-Concurrent-To" in fields:
            methods[fields["WARC-Concurrent-To"]] = block.partition(b" ")[0].decode("latin-1")
    return found, {at: methods[number] for number, at in numbers.items() if number in methods}


def listed_of(response: bytes) -> dict[str, str]:
    """Media type, status, and digest without the frames of chunks (ISO 28500, 5.9)."""
    head, _, body = response.partition(BREAK)
    status = re.match(rb"HTTP/1[.][01] ([0-9]{3})", head)
    kind = re.search(rb"^content-type:([^;\r\n]*)", head, re.IGNORECASE | re.MULTILINE)
    if re.search(rb"^transfer-encoding:[^\r\n]*chunked", head, re.IGNORECASE | re.MULTILINE):
        chunks, at = [], 0
        while True:
            size = re.compile(rb"([0-9A-Fa-f]{1,15})[^\r\n]*\r\n").match(body, at)
            if not size:
                break
            length = int(size[1], 16)
            chunks.append(body[size.end() : size.end() + length])
            at = size.end() + length + 2
            if not length:
                break
        body = b"".join(chunks)
    return {
        "mime": kind[1].decode("latin-1").strip().lower() if kind else "unk",
        "status": str(int(status[1]) if status else 0),
        "digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
    }


def key_of(address: str) -> str:
    """By what an index has an address: the host's labels backwards, path, and sorted query, in small letters."""
    plain = re.sub("[\t\r\n]", "", address.lower()).partition("#")[0]
    place, _, query = plain.partition("?")
    host, port, path = re.findall(r"^https?://(\[[^/]*\]|[^/:]*)(?::([0-9]*))?(/.*)?$", place, re.DOTALL)[0]
    require(int(port or 0) < 65536, UNLED)
    _ = ipaddress.IPv6Address(host[1:-1]) if host.startswith("[") else host  # it is one
    host = re.sub("^www[.]", "", host.strip("[]"))
    labels = ",".join(reversed(host.split("."))) + (f":{int(port)}" if int(port or 0) else "")
    pairs = [each.partition("=") for each in query.split("&") if each]
    read = [[unquote(part.replace("+", " ")) for part in (name, value)] for name, _, value in pairs]
    written = "&".join(
        f"{quote_plus(name)}={quote_plus(value)}" for name, value in sorted(read, key=lambda each: each[0])
    )
    return f"{labels}){path or '/'}" + (f"?{written}" if query else "")


def leads(line: str, responses: dict[int, dict[str, str]]) -> tuple[int, str]:
    """Where a line of the index leads, and for which method; it is the one that the record there gets."""
    told: Any = json.loads(line.split(" ", 2)[2])
    require(isinstance(told, dict) and all(isinstance(each, str) for each in told.values()), UNLED)
    at, method, body = int(told["offset"]), told.get("method", "GET"), told.get("requestBody", "")
    own = dict(responses[at])
    address, moment = own["url"], own.pop("at")
    order = ("url", "mime", "status", "digest", "length", "offset", "filename")
    named = {name: own[name] for name in order}
    if method != "GET":
        named.update(method=method, requestBody=body)
        address += f"{'&' if '?' in address else '?'}__wb_method={method}&{body}"
    require(line == f"{key_of(address)} {moment} {json.dumps(named)}", UNLED)
    return at, method


def stored(archive: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents of a ZIP (APPNOTE 6.3.10) that stores one file after the other as it is. Any other fails:
    programs may read it in several ways."""
    files: list[tuple[bytes, bytes]] = []
    heads, at = [], 0
    while archive.startswith(b"PK\3\4", at) and at + 30 <= len(archive) and len(files) < 100:
        flags, method, _, _, crc, packed, size, length, extra = struct.unpack_from("<4H3I2H", archive, at + 6)
        start = at + 30 + length
        name, content = archive[at + 30 : start], archive[start : start + size]
        whole = (flags, method, extra, packed, len(content), zlib.crc32(content)) == (0, 0, 0, size, size, crc)
        require(whole, UNPLAIN)
        files.append((name, content))
        heads.append((archive[at + 4 : at + 30] + bytes(4), struct.pack("<I", at) + name))
        at = start + size
    directory = at
    for head, place in heads:
        same = (archive[at : at + 4], archive[at + 6 : at + 36]) == (b"PK\1\2", head)
        same = same and archive[at + 42 : at + 42 + len(place)] == place and archive[at + 41] >> 4 in (0, 8)
        require(same, UNPLAIN)
        at += 42 + len(place)
    sizes = struct.pack("<4H2IH", 0, 0, len(files), len(files), at - directory, directory, 0)
    distinct = len({name.lower() for name, _ in files}) == len(files)
    require(archive[at:] == b"PK\5\6" + sizes and distinct, UNPLAIN)
    return files


class CapturePackage(Package):
    """A web capture: what the one entry of the log names is here, and was dated before it was logged."""

    form, limits, proven = CAPTURE, CAPTURE_LIMITS, CAPTURE_PROVEN

    def __init__(self, root: str, scratch: Path) -> None:
        super().__init__(root, scratch)
        self.covering: list[str] = []
        self.signers: dict[str, str] = {}

    fixed = (*GIVEN, "capture.warc.tsq", FACTS)

    def check(self) -> None:
        self.beside = {path for path in self.present if path.startswith(RENEWALS)}
        self.check_files()
        self.check_layout()
        stems = sorted({f"{RENEWALS}{name[:2]}" for name in self.names(RENEWALS)})
        self.chains += [f"{stem}.pem" for stem in stems]
        self.lists += [f"{stem}.crls.pem" for stem in stems]
        self.covering = [SEALS[3], *(f"{stem}.tsr" for stem in stems)]
        self.check_manifest()
        self.check_renewals(stems)
        self.check_checkpoint()
        [entry] = self.entries()
        self.check_entry(entry.number, entry.path)
        facts = self.check_facts(entry)
        self.check_opening(entry, facts)
        self.check_recording(entry, facts)
        self.check_archive(facts)
        self.check_certificates([entry])
        self.check_last()

    def check_layout(self) -> None:
        """Exactly the files of a capture: one entry, its opening and proof, pictures of steps from 1 on."""
        count = len({path[len(RENEWALS) :][:2] for path in self.beside})
        every = {f"{RENEWALS}{number:02}{end}" for number in range(1, count + 1) for end in OF_RENEWAL}
        renewed = self.beside == every and all(map(RENEWAL.fullmatch, every))
        require(renewed, "the renewed timestamps are not whole, or not in order 续期时间戳不完整或次序不符")
        for path in sorted(self.present - ALWAYS - self.beside):
            require(SOMETIMES.fullmatch(path), f"{path} has no place in the package of a web capture 另有文件")
        for path in sorted(ALWAYS - self.present):
            raise Failed(f"{path} is missing 缺少文件")
        folders = ("log/entries/", "log/openings/", "log/proofs/")
        numbers = [name.partition(".")[0] for folder in folders for name in self.names(folder)]
        one = len(numbers) == len(folders) and len(set(numbers)) == 1
        require(
            one, "there is not exactly one log entry with its opening and proof 日志条目及其公开内容、证明不齐"
        )
        steps = self.names("step-")
        whole = steps == [f"{each:02}.png" for each in range(1, len(steps) + 1)]
        require(whole, "a picture of a step is missing 缺少步骤截图")

    def until(self, stamp: str, _entries: list[LoggedEntry]) -> int:
        """A timestamp that another one renews by the time of that; the last of these by its own."""
        if stamp not in self.covering:
            return self.made
        return self.stamps[self.covering[self.covering.index(stamp) :][:2][-1]]

    def check_renewals(self, stems: list[str]) -> None:
        """Each is over the manifest with its seals and all renewals before, made while the one before counted."""
        covered, before, content = [*SEALS], SEALS[3], SEALS[0]
        for stem in stems:
            text, stamp, chain = f"{stem}.txt", f"{stem}.tsr", f"{stem}.pem"
            covered += [f"{stem}.crls.pem", chain]
            lines = (f"{hashlib.sha256(read(path)).hexdigest()}  {path}\n" for path in covered)
            require(
                read(text) == "".join(lines).encode(), f"{text} is not of the files of this package 与文件不符"
            )
            covered += [f"{stem}.tsq", stamp, text]
            shown = self.check_dated(stamp, text, "the package 证据包")
            signer = self.scratch / "signer"
            verify = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", self.token(stamp), "-nointern"]
            into = ["-certfile", chain, "-signer", str(signer), "-out", str(self.scratch / "output")]
            by = "" if self.run(*verify, *into).returncode else signer.read_text("ascii")
            plain = by and self.is_plain(self.token(stamp), "3") and self.names_signer(self.token(stamp), by)
            require(plain and self.own_alone(self.token(stamp), chain), f"timestamp {stamp} 时间戳无效")
            at = self.stamps[stamp]
            held = self.stamps[before] <= at and self.counts(before, "-data", content, at)
            require(held, f"{before} had run out when it was renewed 续期时原时间戳已失效")
            counted = self.are_whole(f"{stem}.crls.pem") and self.counted(
                self.signer_of(before), f"{stem}.crls.pem", at
            )
            require(counted, f"{stem}.crls.pem has {UNCOUNTED}")
            self.signers[stamp], before, content = by, stamp, text
            show(f"ok    the timestamp was renewed, {shown} 时间戳已续期")
        self.judged |= self.beside

    def signer_of(self, stamp: str) -> str:
        """The certificate by which it was made: of the manifest's one of the package, of others their own."""
        if stamp in self.signers:
            return self.signers[stamp]
        names = [name[:-4] for name in self.names("certificates/") if name.startswith("timestamping")]
        return text_in(f"certificates/{self.stamper(stamp, names)}.pem")

    def counted(self, pem: str, path: str, at: int) -> bool:
        """The lists in that file counted then, for the certificate and all that leads from it to the root."""
        asked = [*self.verifying, "-crl_check", "-CRLfile", path, "-attime", str(at)]
        done = [self.run(*asked, given=each) for each in self.path_of(pem)]
        return all(not each.returncode or only_revoked(each) for each in done)  # since when: path_stands

    def check_last(self) -> None:
        """The last timestamp counts today."""
        pem = self.signer_of(self.covering[-1])
        done = self.run(*self.verifying, "-attime", str(int(time.time())), given=pem)
        require(not re.search(rb"^error 10 ", done.stdout + done.stderr, re.MULTILINE), RUN_OUT)

    def check_certificates(self, entries: list[LoggedEntry]) -> None:
        super().check_certificates(entries)
        for name in (each for each in self.names("certificates/") if re.match("evidence|timestamping", each)):
            require(self.counted(text_in(f"certificates/{name}"), CRLS, self.made), f"{CRLS} has {UNCOUNTED}")
        for stamp, pem in self.signers.items():
            good = self.path_stands(pem, self.until(stamp, entries))
            require(good, f"the certificate of {stamp} was revoked, or is not trusted 证书已吊销或不可信")

    def check_facts(self, entry: LoggedEntry) -> dict[str, Any]:
        """The entry names facts and recording, the facts every file that the capture gave."""
        own = (entry.kind, entry.public.get("capture")) == ("page-captured", self.about)
        require(own, f"log entry {entry.number} is not that of this capture 日志条目并非本次取证")
        for name, path in (("facts", FACTS), ("warc", WARC)):
            logged = entry.public.get(name) == hashlib.sha256(read(path)).hexdigest()
            require(logged, f"{path} is not the one that the log has 与日志所载不符")
        facts = facts_in(read(FACTS))
        require(facts["capture"] == self.about, "capture.json is about another capture 取证事实记录属于另一次取证")
        given = [
            {"path": path, "sha256": digest, "size": size}
            for path, digest, size in self.files
            if path in GIVEN or PICTURES.fullmatch(path)
        ]
        same = facts["files"] == given
        require(same, "the files of the capture are not those of capture.json 与取证事实记录不符")
        self.judged |= {each["path"] for each in given}
        address = json.dumps(facts["address"], ensure_ascii=False)
        show(f"ok    capture of {address}: its files are those that the log names 取证文件均为日志所载")
        return facts

    def check_opening(self, entry: LoggedEntry, facts: dict[str, Any]) -> None:
        """What opens the entry is all that it commits to, and has address, name and title of the facts."""
        path = entry.path.replace("entries", "openings")
        require(re.fullmatch(OPENING, text_in(path)), f"{path} is not in its one form 格式不符")
        told = re.findall(rf'"([a-z]+)":{OPENED}', text_in(path))
        hashes = (
            hashlib.sha256(f'{{"name":"{name}",{opened[1:]}'.encode()).hexdigest() for name, opened, _ in told
        )
        commitments = ",".join(f'"{name}":"{each}"' for (name, *_), each in zip(told, hashes))  # noqa: B905 - old Pythons
        own = f'"commitments":{{{commitments}}},' in text_in(entry.path)
        require(own, f"{path} is not what the log entry commits to 与日志条目的承诺不符")
        said = facts["address"], facts["by"]["name"], facts["page"]["title"]
        same = [each for *_, each in told] == [json.dumps(each, ensure_ascii=False) for each in said]
        require(
            same,
            "the log has another address, name or title than capture.json 日志所载与取证事实记录不符",
        )
        self.judged.add(path)

    def check_recording(self, entry: LoggedEntry, facts: dict[str, Any]) -> None:
        """The timestamp that the log names is over it, after the end of the capture and before that entry."""
        shown = self.check_dated(STAMP, WARC, "the recording 网页记录")
        own = self.own_alone(self.token(STAMP))
        require(own, f"{STAMP} carries a certificate that is not here 时间戳另带其他证书")
        told = self.told("ts", "-reply", "-in", STAMP, "-text")
        serial = "".join(re.findall(r"^Serial number: 0x0*([0-9A-F]+)$", told, re.MULTILINE)).lower()
        logged = serial and f'"serial":"{serial}"' in text_in(entry.path)
        require(logged, "the log has another timestamp of the recording 日志所载时间戳不是该网页记录的时间戳")
        began, ended = (
            calendar.timegm(datetime.fromisoformat(facts[each]).timetuple()) for each in ("began", "ended")
        )
        moments = [ended, self.stamps[STAMP], entry.at, self.made]
        require(moments == sorted(moments), "the times of the capture contradict each other 各时间先后矛盾")
        prompt = self.stamps[STAMP] <= ended + PROMPT and ended <= began + PROMPT
        require(
            prompt, "the recording was timestamped more than an hour after the capture 时间戳晚于取证结束逾一小时"
        )
        show(f"ok    the recording (capture.warc.gz) and its timestamp, {shown} 网页记录及其时间戳有效")

    def check_archive(self, facts: dict[str, Any]) -> None:
        """Whoever opens the WACZ sees what is in the recording: programs find no other file or package in it."""
        inside = dict(stored(read(WACZ)))
        same = inside.get(MEMBERS[0].encode()) == read(WARC)
        require(same, "capture.wacz has another recording in it 其中的网页记录与 capture.warc.gz 不符")
        plain = sorted(inside) == sorted(name.encode() for name in (*MEMBERS, DESCRIPTION, SIGNED))
        told, signed = (object_in(inside.get(name.encode(), b"")) for name in (DESCRIPTION, SIGNED))
        listed = [
            {
                "name": name.rpartition("/")[2],
                "path": name,
                "hash": f"sha256:{hashlib.sha256(inside[name.encode()]).hexdigest()}",
                "bytes": len(inside[name.encode()]),
            }
            for name in (MEMBERS if plain else ())
        ]
        plain = plain and (told.get("profile"), told.get("resources")) == ("data-package", listed)
        named = f"sha256:{hashlib.sha256(inside[DESCRIPTION.encode()]).hexdigest()}" if plain else ""
        by: Any = signed.get("signedData")
        plain = plain and sorted(told) == sorted(DESCRIBED) and isinstance(by, dict)
        plain = plain and signed == {"path": DESCRIPTION, "hash": named, "signedData": by}
        plain = plain and sorted(by) == sorted(BY_NOBODY) and by["hash"] == named
        texts = [*(told[name] for name in DESCRIBED if name != "resources"), *by.values()] if plain else []
        plain = plain and all(isinstance(each, str) for each in texts)  # what is nested not all programs can read
        require(plain, "capture.wacz has more in it than this recording, or describes itself otherwise 另有内容")
        address = self.check_page(inside[MEMBERS[2].encode()], told, facts)
        self.check_index(inside[MEMBERS[1].encode()], address)
        show("ok    capture.wacz has exactly this recording in it, and opens this page 其中正是该网页记录及该网页")

    def check_page(self, pages: bytes, told: dict[str, Any], facts: dict[str, Any]) -> str:
        """The one page that is listed, by its own address; scripts can show another one of the same origin."""
        page = object_in(pages.partition(b"\n")[2], MOST_RECORDED)
        head = {"format": "json-pages-1.0", "id": "pages", "title": "Captured pages", "hasText": True}
        moment = facts["began"][:19] + (facts["began"][19:23] if facts["began"][19] == "." else ".000") + "Z"
        address, title, text = (str(page.get(name, "")) for name in ("url", "title", "text"))
        number = hashlib.sha256(address.encode()).hexdigest()[:32]
        made = {"id": number, "url": address, "title": title, "ts": moment, "text": text}
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in (head, made))
        origins = [re.findall("^https?://[^/?#]*", each) for each in (address, facts["page"]["address"])]
        own = lines.encode() == pages and text.encode() == read("page.txt")
        near = origins[0] and origins[0] == origins[1]
        own = own and (near or fitted(address) == facts["page"]["address"])
        own = own and fitted(" ".join(title.split())) == facts["page"]["title"]
        own = own and [told[name] for name in ("title", "mainPageUrl", "mainPageDate")] == [
            title or address,
            address,
            moment,
        ]
        require(own, "capture.wacz opens another page than the one that was captured 打开的页面不是所取证的网页")
        return address

    def check_index(self, index: bytes, page: str) -> None:
        """It has each response once, by its own address; the page also by GET, where forms alone led to it."""
        responses, methods = responses_in(read(WARC))
        *lines, rest = index.decode().split("\n")
        require(not rest and lines == sorted(lines), UNLED)
        found = sorted(leads(each, responses) for each in lines)
        own = dict(found)
        wanted = [(at, methods.get(at, own.get(at, ""))) for at in sorted(responses)]
        there = [(at, method) for at, method in wanted if responses[at]["url"] == page.partition("#")[0]]
        if there and all(method != "GET" for _, method in there):
            wanted.append((there[-1][0], "GET"))
        require(found == sorted(wanted), UNLED)


KINDS = (ContractPackage, CapturePackage)


def main() -> int:
    if "-h" in sys.argv or "--help" in sys.argv or len(sys.argv) > 2:
        show(str(__doc__))
        return 2
    root = str(Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else CA
    try:
        with tempfile.TemporaryDirectory() as scratch:
            if len(sys.argv) == 1:
                command = ["openssl", "x509", "-in", root, "-noout", "-fingerprint", "-sha256"]
                shown = subprocess.run(command, cwd=HERE, capture_output=True, check=False).stdout.decode().strip()
                show(f"{OWN_ROOT}\n      {shown}")
            package = opened(root, Path(scratch))
            package.check()
    except (Failed, OSError, ValueError, LookupError, TypeError, RecursionError, zlib.error) as error:
        unread = "" if isinstance(error, Failed) else "a file is missing or cannot be read 文件缺失或无法读取: "
        show(f"FAIL  {unread}{error}")
        return 1
    package.conclude()
    if len(sys.argv) == 1:
        show(UNPROVEN)
    return 0


if __name__ == "__main__":
    sys.exit(main())
