"""Sites as they are in the world, each of one kind: what they serve, and what somebody who visits them sees."""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.web_capture.servers import Answer, Asked, answer, packed, page, ranged
from tests.web_capture.site import STYLE, OrdinarySite, block_font, film, of_paths, picture, png, shown, written


def _redirected(asked: Asked) -> Answer:
    ways = {
        ("site.example", "/"): ("302 Found", "/next?from=start"),
        ("site.example", "/next?from=start"): (
            "301 Moved Permanently",
            f"http://www.other.example:{asked.port}/a",
        ),
        ("www.other.example", "/a"): ("307 Temporary Redirect", "/b/"),
        ("www.other.example", "/b/"): ("308 Permanent Redirect", "/arrived"),
    }
    if (asked.host, asked.path) in ways:
        status, to = ways[asked.host, asked.path]
        return page("moved", head=f"Location: {to}\r\n", status=status)
    arrived = shown("Arrived", "<p>after four redirects<img src=/a.png>")
    return of_paths({"/arrived": arrived, "/a.png": png(1)})(asked)


def _logged_in(asked: Asked) -> Answer:
    form = (
        "<form method=post action=/enter><input name=name value=li><input type=password name=word value=x></form>"
        "<script>document.forms[0].submit()</script>"
    )
    if asked.path == "/enter":
        fits = asked.method == "POST" and asked.body == b"name=li&word=x"
        head = "Set-Cookie: session=s3; Path=/; HttpOnly\r\nLocation: /account\r\n"
        return page("", head=head if fits else "Location: /\r\n", status="303 See Other")
    if asked.path == "/account" and asked.field("cookie") != "session=s3":
        return page("", head="Location: /\r\n", status="302 Found")
    account = shown("Account of Li", "<p>three orders, one of them disputed<img src=/mine.png>")
    return of_paths({"/": shown("Log in", form), "/account": account, "/mine.png": png(2)})(asked)


_FORM = (
    "<form method=post action=/find><input name=word value=侵权></form><script>document.forms[0].submit()</script>"
)


def _found(asked: Asked) -> bytes:
    fits = asked.method == "POST" and asked.body == b"word=%E4%BE%B5%E6%9D%83"
    return shown("Found", "<p>three found for 侵权<img src=/a.png>" if fits else "<p>nothing")


_LAZY = "".join(f"<p style='height:1300px'>part {n}<img loading=lazy src=/{n}.png>" for n in range(5))
_LAZY_PATHS = {f"/{n}.png": png(n) for n in range(5)}

_SCROLLING = """<div id=list></div><script>let n=0,busy=false;async function more(){
  if(busy||n>=6||scrollY+innerHeight<document.body.scrollHeight-200)return;busy=true;
  const got=await (await fetch('/items?page='+n)).json();n++;
  for(const each of got){const p=document.createElement('p');p.style.height='300px';p.textContent=each.title;
    const i=new Image();i.src=each.picture;p.append(i);document.getElementById('list').append(p)}
  busy=false;more()}addEventListener('scroll',more);more()</script>"""


def _items(asked: Asked) -> bytes:
    number = int(asked.path.rpartition("=")[2])
    made = ",".join(f'{{"title":"item {number * 4 + n}","picture":"/{number * 4 + n}.png"}}' for n in range(4))
    return answer(f"[{made}]".encode(), "application/json")


_WORKER = b"""self.addEventListener('install',e=>e.waitUntil(self.skipWaiting()));
self.addEventListener('activate',e=>e.waitUntil(clients.claim()));
self.addEventListener('fetch',e=>{if(e.request.url.endsWith('/made'))e.respondWith(fetch('/real'))})"""
_WORKED = """<p id=x>waiting</p><img src=/a.png><script>
const show=()=>fetch('/made').then(r=>r.text()).then(t=>{x.textContent=t});
navigator.serviceWorker.addEventListener('controllerchange',show);
navigator.serviceWorker.register('/sw.js')</script>"""


def _framed(asked: Asked) -> Answer:
    port = asked.port
    innermost = f"<iframe src=http://inner.example:{port}/ width=300 height=90></iframe>"
    pages = {
        "site.example": shown(
            "Frames", f"<iframe src=http://frame.example:{port}/ width=600 height=420></iframe>"
        ),
        "frame.example": shown("A frame", f"<p>framed by another<img src=/f.png>{innermost}"),
        "inner.example": page("<p>the innermost"),
    }
    return of_paths({"/": pages[asked.host], "/f.png": png(3)})(asked)


_APPLICATION = """<nav></nav><main id=m></main><script type=module>import {draw} from '/app/draw.js';
const load=p=>new Promise(done=>{const x=new XMLHttpRequest();x.open('GET','/api'+p);x.responseType='json';
  x.onload=()=>done(x.response);x.send()});
const first=await (await fetch('/api/list')).json();const one=await load('/item/'+first.ids[1]);
history.pushState({},'','/item/'+first.ids[1]);document.title=one.title;
draw(document.getElementById('m'),one)</script>"""
_DRAW = b"""export function draw(where,one){
  where.innerHTML='<h2>'+one.title+'</h2><p>'+one.text+'<img src='+one.picture+'>'}"""

_FILM = """<video src=/film.webm muted autoplay loop preload=auto width=160 height=120></video>
<p id=x>film</p>"""

_DRAWN = """<canvas id=c width=300 height=150></canvas><script>const d=c.getContext('2d');d.fillStyle='#c81e1e';
d.fillRect(10,10,100,100);d.font='30px serif';d.fillText('drawn',130,60);
const i=new Image();i.onload=()=>d.drawImage(i,130,80);i.src='/a.png'</script>"""
_SQUARE = """<svg xmlns='http://www.w3.org/2000/svg' width='80' height='80'>
<rect width='80' height='80' fill='#1e64c8'/></svg>"""
_FONTS = f"""<p><span id=built style="display:inline-block;font:40px/1 Built">AAAA</span></p>{_SQUARE}
<img src=/a.svg><div style="width:80px;height:80px;background:url(/b.svg)"></div>"""
_FACE = "<style>@font-face{font-family:Built;src:url(/built.ttf)}</style>"

_EMBEDDED = f"""<img src="data:image/png;base64,{base64.b64encode(picture(4)).decode()}"><img id=b>
<script>fetch('/raw').then(r=>r.blob()).then(o=>{{b.src=URL.createObjectURL(new Blob([o],{{type:'image/png'}}))}});
const code=new Blob(["postMessage('counted by a worker')"],{{type:'text/javascript'}});
const w=new Worker(URL.createObjectURL(code));
w.onmessage=e=>document.body.append(e.data)</script>"""

_ASKING = """<p id=x>asking</p><p id=y></p><p id=z></p><p id=u></p><p id=v></p><script>
const ask=(where,method,body,headers={})=>fetch('/search',{method,body,headers}).then(r=>r.json())
  .then(d=>{where.textContent=d.found}),as={'Content-Type':'application/json'};
ask(x,'POST',JSON.stringify({word:'copy'}),as);
ask(y,'POST',JSON.stringify({word:'侵权 & more~*',n:[1,2.5,true,null],in:{n:'x'}}),as);
const f=new FormData();f.append('word','form 表');f.append('b','2');ask(z,'POST',f);
ask(u,'PUT',new Uint8Array([1,2,255]));
ask(v,'POST',new URLSearchParams({word:'a b',c:'编码'}))</script>"""


def _searched(asked: Asked) -> bytes:
    kind = asked.field("content-type").partition(";")[0]
    found = "two copies" if asked.body == b'{"word":"copy"}' else f"nothing by {asked.method} {kind}."
    return answer(f'{{"found":"{found}"}}'.encode(), "application/json")


_PRINTED = """<style>@media print{.screen{display:none}}@media screen{.paper{display:none}}</style>
<p class=screen>only on a screen</p><p class=paper>only on paper</p>"""


def _guarded(asked: Asked) -> Answer:
    """Pictures for who comes from the page, and has its cookie."""
    if asked.path.endswith(".png"):
        comes = asked.field("referer").startswith(f"http://site.example:{asked.port}/")
        fits = comes and "seen=1" in asked.field("cookie")
        return png(int(asked.path[1])) if fits else page("no", status="403 Forbidden")
    if asked.path == "/":
        return page(written("Guarded", "<img src=/5.png><img src=/6.png>"), head="Set-Cookie: seen=1\r\n")
    return of_paths({})(asked)


_SOCKET = """<p id=x>waiting</p><script>const s=new WebSocket('ws://'+location.host+'/socket');
s.onmessage=e=>{x.textContent='said '+e.data};s.onerror=()=>{x.textContent='no connection'}</script>"""


def _socket(asked: Asked) -> Iterator[bytes]:
    key = asked.field("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accepted = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
    yield (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accepted}\r\n\r\n"
    ).encode() + b"\x81\x05hello"


def _chunked(octets: bytes, kind: str, *, head: str = "") -> bytes:
    parts = [octets[at : at + 1000] for at in range(0, len(octets), 1000)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in parts)
    lines = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n{head}\r\n"
    return lines.encode() + body + b"0\r\nX-Trailer: 1\r\n\r\n"


def _coded() -> Mapping[str, bytes | Callable[[Asked], Answer]]:
    more = "<img src=/old.png><img src=/chunked.png><script src=/deflated.js></script>"
    text = written("Coded", "<p>" + "packed in many ways " * 200 + more)

    def sheet(asked: Asked) -> bytes:
        if "deflate" in asked.field("accept-encoding"):
            return answer(zlib.compress(STYLE), "text/css", head="Content-Encoding: deflate\r\n")
        return packed(STYLE, "text/css")

    script = zlib.compress(b"document.body.append('deflated though nobody asked for it')")
    return {
        "/": _chunked(
            gzip.compress(text.encode(), mtime=0), "text/html;charset=utf-8", head="Content-Encoding: gzip\r\n"
        ),
        "/style.css": sheet,
        "/deflated.js": answer(script, "text/javascript", head="Content-Encoding: deflate\r\n"),
        "/old.png": b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n" + picture(7),
        "/chunked.png": _chunked(picture(8, side=300), "image/png"),
    }


def _encoded(heading: str, body: str, encoding: str, kind: str) -> bytes:
    return answer(written(heading, body).encode(encoding), kind)


_GALLERY = "".join(f"<img src=/{n}.png style='display:inline-block'>" for n in range(200))
_TALL = (
    "<div style='height:20000px;background:linear-gradient(#fff,#1e64c8)'></div><p>the last line<img src=/a.png>"
)

SITES: Final = {
    "plain": OrdinarySite(
        of_paths({"/": shown("Plain", "<p>a page of text & a table<table><tr><td>one<td>two</table>")}),
        ("a page of text & a table", "two"),
    ),
    "tls": OrdinarySite(
        of_paths({"/": shown("Safe", "<p>by a good certificate<img src=/a.png>"), "/a.png": png()}),
        ("by a good certificate",), tls=True, pictures=1,
    ),
    "redirects": OrdinarySite(
        _redirected, ("after four redirects",), hosts=("site.example", "www.other.example"), pictures=1
    ),
    "log-in": OrdinarySite(_logged_in, ("three orders, one of them disputed",), pictures=1),
    "form-result": OrdinarySite(
        of_paths({"/": shown("Search", _FORM), "/find": _found, "/a.png": png(3)}),
        ("three found for 侵权",), pictures=1,
    ),
    "lazy-pictures": OrdinarySite(
        of_paths({"/": shown("Lazy", _LAZY), **_LAZY_PATHS}), ("part 0", "part 4"), pictures=5
    ),
    "infinite-scroll": OrdinarySite(
        of_paths({"/": shown("List", _SCROLLING), "/items": _items, **{f"/{n}.png": png(n) for n in range(24)}}),
        ("item 0", "item 23"), pictures=24,
    ),
    "service-worker": OrdinarySite(
        of_paths(
            {
                "/": shown("Worker", _WORKED), "/sw.js": answer(_WORKER, "text/javascript"), "/a.png": png(),
                "/real": page("by the worker"), "/made": page("by the server"),
            }
        ),
        ("Worker",), tls=True, pictures=1, unreplayed=("by the worker",),
    ),
    "frames": OrdinarySite(
        _framed, ("Frames", "framed by another", "the innermost"),
        hosts=("site.example", "frame.example", "inner.example"), pictures=1,
    ),
    "application": OrdinarySite(
        of_paths(
            {
                "/": shown("Application", _APPLICATION), "/app/draw.js": answer(_DRAW, "text/javascript"),
                "/api/list": answer(b'{"ids":[7,9]}', "application/json"), "/nine.png": png(9),
                "/api/item/9": answer(
                    '{"title":"Item nine","text":"drawn by a script 脚本","picture":"/nine.png"}'.encode(),
                    "application/json",
                ),
            }
        ),
        ("Item nine", "drawn by a script 脚本"), pictures=1, holds="location.pathname.endsWith('/item/9')",
    ),
    "video": OrdinarySite(
        of_paths({"/": shown("Film", _FILM), "/film.webm": lambda asked: ranged(asked, film(), "video/webm")}),
        ("film",), holds="document.querySelector('video').videoWidth===160",
    ),
    "canvas": OrdinarySite(
        of_paths({"/": shown("Canvas", _DRAWN), "/a.png": png(1)}), ("Canvas",),
        holds="c.getContext('2d').getImageData(20,20,1,1).data[0]===200"
        "&&c.getContext('2d').getImageData(140,90,1,1).data[1]===121",
    ),
    "fonts-and-svg": OrdinarySite(
        of_paths(
            {
                "/": shown("Fonts", _FONTS, head=_FACE), "/built.ttf": answer(block_font(), "font/ttf"),
                "/a.svg": answer(_SQUARE.encode(), "image/svg+xml"),
                "/b.svg": answer(_SQUARE.replace("80", "60").encode(), "image/svg+xml"),
            }
        ),
        ("AAAA",), pictures=1, holds="built.offsetWidth===160",
    ),
    "gbk": OrdinarySite(
        of_paths(
            {
                "/": _encoded(
                    "侵权页面", "<p>抄袭的文章,未经许可转载<img src=/a.png>", "gbk", "text/html; charset=gbk"
                ),
                "/a.png": png(1),
            }
        ),
        ("侵权页面", "抄袭的文章,未经许可转载"), pictures=1,
    ),
    "utf-16": OrdinarySite(
        of_paths({"/": _encoded("取证", "<p>双字节编码的页面 𠮷", "utf-16", "text/html")}),
        ("双字节编码的页面 𠮷",),
    ),
    "two-hundred-pictures": OrdinarySite(
        of_paths({"/": shown("Gallery", _GALLERY), **{f"/{n}.png": png(n) for n in range(200)}}),
        ("Gallery",), pictures=200,
    ),
    "coded": OrdinarySite(
        of_paths(_coded()), ("packed in many ways",),
        pictures=2, unreplayed=("deflated though nobody asked for it",),
    ),
    "not-found": OrdinarySite(
        of_paths(
            {
                "/gone": page(
                    written("Not here", "<p>this article was taken down<img src=/a.png>"), status="404 Not Found"
                ),
                "/a.png": png(2),
            }
        ),
        ("this article was taken down",), start="/gone", pictures=1,
    ),
    "very-tall": OrdinarySite(
        of_paths({"/": shown("Tall", _TALL), "/a.png": png(5)}), ("the last line",), pictures=1
    ),
    "data-and-blobs": OrdinarySite(
        of_paths({"/": shown("Within", _EMBEDDED), "/raw": answer(picture(6), "application/octet-stream")}),
        ("counted by a worker",), pictures=2,
    ),
    "post-by-script": OrdinarySite(
        of_paths({"/": shown("Search", _ASKING), "/search": _searched}),
        (
            "two copies", "by POST application/json.", "by POST multipart/form-data.", "by PUT .",
            "by POST application/x-www-form-urlencoded.",
        ),
    ),
    "printed": OrdinarySite(
        of_paths({"/": packed(written("Printed", _PRINTED).encode(), "text/html; charset=utf-8")}),
        ("only on a screen",), printed="only on paper",
    ),
    "guarded-pictures": OrdinarySite(_guarded, ("Guarded",), pictures=2),
    "web-socket": OrdinarySite(
        of_paths({"/": shown("Socket", _SOCKET), "/socket": _socket}), ("Socket",),
        refused=frozenset({"other-protocol"}),
    ),
}  # fmt: skip
