"""From the text of pages to prose: plain characters, lines joined into paragraphs, each letter with its origin.

Full and half width, compatibility forms and common traditional characters become one form; running heads and page
numbers go; blanks inside Chinese go; words hyphenated at a line's end are whole again.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

_TRADITIONAL: Final = str.maketrans(
    "條約違責義務權議爭終當雙買賣價給額萬億貳參陸圓據應須關於產業資訊實現場時間後發證書內無來將負擔損賠償還滯納罰協調訴訟規則"
    "審訂蓋簽並與會員東開變轉讓繳銀帳號總計過達郵電傳眾貨驗質檢術維護學專標屆滿賃庫設備運輸遲誤勞動僱傭險辭職離獎圖紙項優選擇"
    "戶辦們個兩從這對閉見觀視覽親認識譯記許訪訓託詞詳語說課談請諮評貢財費貴賺贈車軟較載輕轄農遠適遺邊鄰醫釋針鈔鋪錢錯鍵鎖鏈長"
    "門問閱闊隊階際隨雜難靜響頁順預領頭題願類顧顯飛館體點齊齡歲歸歷殘殺氣決沒況淨減測漢潔濟營獨獲環異畫盡監盤禮種稱稅積穩窮競"
    "筆節範築簡籌糧紀級純細紹組結絕統經綠網緊線編緩練縣績織繼續罷聯聲聽興舉舊艙艱處衛補裝製複襲討詢詐該誌誠誰諾謀謝謹讀豐賬賦"
    "趙趨跡遞遷鄭釐鐘鐵鑑陽陰隱雖雲霧頓頻風養餘駐駕騙騰驅鬥魚麗麥黃黨儲僅債傷倉係冊凍劃劇劑勢勵勝匯區單廠啟喪嚴圍園團報塊墊壓"
    "壞壯壽夠夾奪娛寫寬寶導屬層島巖幣師帶幫廢廣廳張強彌彈徑徵懲態慮慣憑懷戰戲採掛揚換揮搶擁擊擋擬擴攝敗數敵斷晝曉構槍極榮樓樣"
    "樹機橫檔櫃歡為爲牆狀獻瑣療瘋癥皺盜矯碼確礎礙祕稟竊糾絡紛緝緣縱繪罵肅腦臨臺蘇蘭蟲衝裡裏覺觸詮試誘諒論謂譽讎豎豬貪貫販貸貿"
    "賓賢賭購贓贖軍軌輔輛輪轎辯迴逕週進遊鄉醜釀鈴鉅銷鋒鋼錄鎮鏡閣陳陣隻韓頒頗顆飯飲飼飾驟髮鬆鬧鹽齒佈併佔倆偵偽傢僕儀儘兇凈刪"
    "剛剝創劉勛勸匱卻厭厲吳呂嗎嘗嚇囑國執堅塵墜夥妝姦婦媽嬰孫宮寢尋尷屍岡崗嶺巔幹幾廈廟彙彥復徹恆恥悅惡惱愛憂憐憲憶懇懸戀拋挾"
    "捨掃掙揀搖搗摯撐撥撫擠擾攔攜敘斂斬昇曆",
    "条约违责义务权议争终当双买卖价给额万亿贰叁陆圆据应须关于产业资讯实现场时间后发证书内无来将负担损赔偿还滞纳罚协调诉讼规则"
    "审订盖签并与会员东开变转让缴银账号总计过达邮电传众货验质检术维护学专标届满赁库设备运输迟误劳动雇佣险辞职离奖图纸项优选择"
    "户办们个两从这对闭见观视览亲认识译记许访训托词详语说课谈请咨评贡财费贵赚赠车软较载轻辖农远适遗边邻医释针钞铺钱错键锁链长"
    "门问阅阔队阶际随杂难静响页顺预领头题愿类顾显飞馆体点齐龄岁归历残杀气决没况净减测汉洁济营独获环异画尽监盘礼种称税积稳穷竞"
    "笔节范筑简筹粮纪级纯细绍组结绝统经绿网紧线编缓练县绩织继续罢联声听兴举旧舱艰处卫补装制复袭讨询诈该志诚谁诺谋谢谨读丰账赋"
    "赵趋迹递迁郑厘钟铁鉴阳阴隐虽云雾顿频风养余驻驾骗腾驱斗鱼丽麦黄党储仅债伤仓系册冻划剧剂势励胜汇区单厂启丧严围园团报块垫压"
    "坏壮寿够夹夺娱写宽宝导属层岛岩币师带帮废广厅张强弥弹径征惩态虑惯凭怀战戏采挂扬换挥抢拥击挡拟扩摄败数敌断昼晓构枪极荣楼样"
    "树机横档柜欢为为墙状献琐疗疯症皱盗矫码确础碍秘禀窃纠络纷缉缘纵绘骂肃脑临台苏兰虫冲里里觉触诠试诱谅论谓誉仇竖猪贪贯贩贷贸"
    "宾贤赌购赃赎军轨辅辆轮轿辩回径周进游乡丑酿铃巨销锋钢录镇镜阁陈阵只韩颁颇颗饭饮饲饰骤发松闹盐齿布并占俩侦伪家仆仪尽凶净删"
    "刚剥创刘勋劝匮却厌厉吴吕吗尝吓嘱国执坚尘坠伙妆奸妇妈婴孙宫寝寻尴尸冈岗岭巅干几厦庙汇彦复彻恒耻悦恶恼爱忧怜宪忆恳悬恋抛挟"
    "舍扫挣拣摇捣挚撑拨抚挤扰拦携叙敛斩升历",
)
_PAGE_NUMBER: Final = re.compile(
    r"(?:第?\d{1,4}页?[/,，]?共?\d{0,4}页?|-?\d{1,4}-?|page ?\d+(?: ?(?:of|/) ?\d+)?|\d+ ?/ ?\d+)", re.IGNORECASE
)
_CHINESE: Final = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef“”‘’：；，。（）、！？]")
_HAN: Final = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef：；，。（）、！？]")
"""The same without the quotation marks, which English has, too."""

_FULL: Final = 0.65
"""Of the width of a page's long lines: a shorter line is the last of its paragraph."""

_REPEATED: Final = 3
"""On so many pages a first or last line is a running head."""

_NEW_BLOCK: Final = re.compile(
    r"(?:第[一二三四五六七八九十百零〇两\d]+(?:条|章|节|款|部分|编)"
    r"|[一二三四五六七八九十]{1,3}[、.．:：]|[(（]?[一二三四五六七八九十]{1,3}[)）]"
    r"|\d{1,2}(?:\.\d{1,2}){0,3}(?:[、.．)）:：]|\s)|[(（]\d{1,2}[)）]|[①-⑳]|§\s?\d|[●•·■◆\-–—]\s"
    r"|(?:article|section|clause|part|schedule|annex|appendix|exhibit)\s+[\divxlc]+\b"
    r"|[ivx]{1,4}\.\s|\(?[a-z]\)\s|\([ivx]{1,4}\)\s|附件|附录|【)",
    re.IGNORECASE,
)
_ARTICLE: Final = re.compile(r"第[一二三四五六七八九十百零〇两\d]+[条章节] ?\S{1,14}$")

_SPACED: Final = re.compile(r"(?:\S ){5,}\S?|\d \d ?[.、]")
"""Letters set apart, as in headings."""

_HEADING_BLANK: Final = re.compile(
    r"((?:第[一二三四五六七八九十百零〇两\d]+条 ?|[一二三四五六七八九十]{1,3}[、.] ?|\d{1,2}[、.．] ?"
    r"|[(（][一二三四五六七八九十\d]{1,3}[)）] ?)"
    r"[\u4e00-\u9fff、]{2,12}) [\u4e00-\u9fff“]{4}"
)
"""A numbered heading, and the blank after it in the same line as its text."""

_PARTY: Final = re.compile(r"(?:[甲乙丙丁]方|\w{2,5}[方人商])(?:[(（][^)）]{1,16}[)）])?[:：]\s?\S{2}")
_LABEL: Final = re.compile(r"[^，。；,;:：]{1,24}[:：]\s?\S")
_ENDING: Final = re.compile(r"[。；;:：!！?？.…]['”\"’)）]?\s*$")

_SMALL: Final = re.compile(r"[a-z]{2}")
"""What begins so goes on from the line before, however long that is."""

_JOINING: Final = re.compile(r"of|the|and|or|an?|to|in|for|on|by|with|at|from|s|[b-hj-z]")
"""Words that are written small in a heading."""

_DIVIDED: Final = re.compile(r"[A-Za-z][-‐‑\xad]$")
_LATIN: Final = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class ProseLine:
    """One line of a page: ``text`` in one form, ``origin`` the place of each letter in the whole raw text.

    ``full``: it reaches about as far as others do, so that what it says may go on in the next one.
    """

    text: str
    origin: array[int]
    full: bool = True


@dataclass(frozen=True, slots=True)
class ProseBlock:
    """Lines that belong together: a numbered paragraph, a heading, or what follows one."""

    text: str
    origin: array[int]


@dataclass(frozen=True, slots=True)
class TextSource:
    """Where the pages begin in the whole raw text."""

    starts: Sequence[int]

    def spans(self, origin: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Page, first and one past the last character on it, for letters of these origins."""
        by_page: dict[int, list[int]] = {}
        for place in (origin[0], *origin, origin[-1]):
            by_page.setdefault(bisect_right(self.starts, place) - 1, []).append(place)
        for page, places in sorted(by_page.items()):
            start = self.starts[page]
            yield page, min(places) - start, max(places) - start + 1


def source(texts: Sequence[str]) -> TextSource:
    """Where each of *texts* begins when they are put one after the other."""
    starts, total = [0], 0
    for text in texts[:-1]:
        total += len(text) + 1
        starts.append(total)
    return TextSource(starts)


def blocks(texts: Sequence[str]) -> list[ProseBlock]:
    """The paragraphs of the pages *texts*, in their order."""
    starts = source(texts).starts
    pages = [_measured(list(_lines(text, start))) for text, start in zip(texts, starts, strict=True)]
    running = _running(pages)
    found: list[ProseBlock] = []
    gathered: list[ProseLine] = []
    for line in (line for page in pages for line in _inner(page, running)):
        if gathered and _begins(line, gathered[-1]):
            found.append(_joined(gathered))
            gathered = []
        gathered.append(line)
    if gathered:
        found.append(_joined(gathered))
    return found


def plain(text: str) -> str:
    """*text* in the form in which it is compared."""
    return "".join(_form(letter) for letter in text)


@cache
def _form(letter: str) -> str:
    folded = unicodedata.normalize("NFKC", letter).translate(_TRADITIONAL)
    if letter in "“”‘’…　":
        folded = {"‘": "'", "’": "'", "　": " "}.get(letter, letter)
    folded = "".join(" " if each.isspace() else each for each in folded)
    folded = "".join(each for each in folded if unicodedata.category(each)[0] != "C" or each == " ")
    return folded.replace(",", "，") if letter == "，" else folded.replace(";", "；") if letter == "；" else folded


def _lines(text: str, start: int) -> Iterator[ProseLine]:
    offset = start
    for raw in text.splitlines(keepends=True):
        line = _line(raw, offset)
        offset += len(raw)
        if line.text:
            yield line


def _line(raw: str, offset: int) -> ProseLine:
    letters: list[str] = []
    origin = array("q")
    for at, letter in enumerate(raw):
        for each in _form(letter):
            if each == " " and (not letters or letters[-1] == " "):
                continue
            letters.append(each)
            origin.append(offset + at)
    while letters and letters[-1] == " ":
        letters.pop()
        origin.pop()
    return _tight(letters, origin)


def _tight(letters: list[str], origin: array[int]) -> ProseLine:
    """Without the blanks that lie beside Chinese characters, but for one between a heading and what follows
    it, and without those that set letters apart."""
    text = "".join(letters)
    spaced = bool(_SPACED.match(text))
    heading = _HEADING_BLANK.match(text)
    kept = heading.end(1) if heading else -1
    keep = [
        at
        for at, letter in enumerate(letters)
        if letter != " " or at == kept or not (spaced or _beside_chinese(text, at))
    ]
    return ProseLine("".join(letters[at] for at in keep), array("q", (origin[at] for at in keep)))


def _beside_chinese(text: str, at: int) -> bool:
    return bool(_HAN.match(text[at - 1]) or _HAN.match(text[at + 1]))


def _measured(page: Sequence[ProseLine]) -> list[ProseLine]:
    """The lines with the knowledge of whether they are full."""
    longest = sorted(_width(line.text) for line in page)[-3:]
    usual = longest[0] if longest else 0
    return [replace(line, full=_width(line.text) >= _FULL * usual) for line in page]


def _width(text: str) -> int:
    return sum(2 if _CHINESE.match(letter) else 1 for letter in text)


def _running(pages: Sequence[Sequence[ProseLine]]) -> set[str]:
    """Lines at the edges of many pages, without their numbers."""
    edges = Counter(
        edge
        for page in pages
        if len(page) > 2
        for edge in {_numberless(line.text) for line in (page[0], page[-1])}
    )
    enough = max(min(_REPEATED, len(pages)), 2, len(pages) // 2)
    return {edge for edge, times in edges.items() if times >= enough}


def _inner(page: Sequence[ProseLine], running: set[str]) -> Iterator[ProseLine]:
    for at, line in enumerate(page):
        edge = at < 2 or at >= len(page) - 2
        if edge and (_PAGE_NUMBER.fullmatch(line.text) or _numberless(line.text) in running):
            continue
        yield line


def _numberless(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _begins(line: ProseLine, before: ProseLine) -> bool:
    """Whether *line* opens a new block after *before*."""
    if _DIVIDED.search(before.text) and _LATIN.match(line.text):
        return False
    if _SMALL.match(line.text) and not _ENDING.search(before.text) and not _NEW_BLOCK.match(line.text):
        return False
    if _PARTY.match(line.text) or (_LABEL.match(line.text) and _may_precede_label(before.text)):
        return True
    if _ARTICLE.match(line.text) or (_NEW_BLOCK.match(line.text) and not _goes_on(before)):
        return True
    if not before.full:
        return True
    return _alone(before.text) != _alone(line.text) and (_alone(before.text) or _alone(line.text))


def _goes_on(line: ProseLine) -> bool:
    """Whether *line* ends in the middle of a sentence: what looks like a number after it belongs to that."""
    return line.full and not _ENDING.search(line.text) and len(line.text) > 30


def _may_precede_label(text: str) -> bool:
    return bool(_ENDING.search(text)) or ("。" not in text and bool(_LABEL.match(text)))


def _alone(text: str) -> bool:
    """Whether the line could be a heading without a number: short, and no sentence."""
    if _ENDING.search(text) or "，" in text or "," in text:
        return False
    if _CHINESE.search(text):
        return len(text) <= 14
    words = [word for word in re.findall(r"[A-Za-z]+", text) if not _JOINING.fullmatch(word)]
    begins = re.match(r"\W*[A-Z\d]", text)
    return len(text) <= 60 and bool(begins and words) and all(word[0].isupper() for word in words)


def _joined(lines: Sequence[ProseLine]) -> ProseBlock:
    parts: list[str] = []
    origin = array("q")
    for line in lines:
        before = parts[-1] if parts else ""
        if _DIVIDED.search(before) and _LATIN.match(line.text):
            parts[-1] = before[:-1]
            origin.pop()
        elif before and not (_HAN.match(before[-1]) or _HAN.match(line.text[0])):
            parts.append(" ")
            origin.append(line.origin[0])
        parts.append(line.text)
        origin += line.origin
    return ProseBlock("".join(parts), origin)
