"""The words by which a contract calls its parties, so that the frames know them as they know “buyer” or “甲方”.

A contract says at its beginning “… Limited (the “Academy”)”, “某大学（简称“农大”）” or “Charterer: … Ltd”. Where
the frames have no such word, a stand-in that they know takes its place in what they are tried on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from appliance.review.outline import Sentence

STAND_INS: Final = {
    "zh": ("壹方", "贰方", "叁方", "肆方"),
    "en": ("partyone", "partytwo", "partythree", "partyfour"),
}
"""What stands for the first, second … party whose word is not known; the words ``role`` of the rules have them."""

_SAME: Final = {"合约": "合同", "契约": "合同", "管限": "管辖", "终止合约": "终止合同"}
"""What is said in Hong Kong and Taiwan, and what the frames have for it."""

_FIRST: Final = 60
"""So many sentences from the beginning a contract names its parties."""

_ORGANISED: Final = re.compile(
    r"\b(?:limited|ltd|llc|llp|lp|inc|incorporated|corp|corporation|gmbh|kg|ag|ug|se|sa|s\.a|s\.l|srl|b\.?v|n\.?v|plc|pty|pte|bhd|"
    r"a/?s|ab|oy|aps|cc|co|company|bank|trust|university|institute|college|clinic|p\.c|co-operative|association|foundation|academy|school|council|ministry|"
    r"department|authority|club|society|union|hospital|board|partnership|enterprises?|mr|mrs|ms|messrs|m/s|dr|smt|shri|chief|"
    r"prof|captain|estate|trustees|governors|executors|solicitors|residing|registered|incorporated|"
    r"company number)\b",
    re.IGNORECASE,
)
_THINGS: Final = re.compile(
    r"(?:agreement|contract|deed|lease|services?|goods|products?|works?|project|purpose|premises|property|term|territory|date|"
    r"parties|party|software|system|price|fee|site|loan|order|letter|addendum|amendment|schedule|data|information|equipment|act|"
    r"plant|vessel|ship|property|invention|programme|event)s?$",
    re.IGNORECASE,
)
_NAME: Final = r"([A-Z][\w&’'.-]*(?: (?:and |of |& )?[A-Z][\w&’'.-]*){0,2})"
_DEFINED: Final = re.compile(
    rf"\([^()]{{0,80}}?[“\"'](?:the )?{_NAME} ?[”\"'][^()]{{0,40}}\)"
    rf"|\b(?:hereinafter|hereafter|referred to as|called|known as)[^“\"(]{{0,30}}[“\"](?:the )?{_NAME} ?[”\"]"
    rf"|\((?:the|hereinafter(?: called)?(?: the)?) {_NAME}\)"
)
_LABELLED: Final = re.compile(r"^\W{0,3}(?:The )?([A-Z][a-z]+(?: [A-Za-z]+)?)(?: ?\([^)]{1,30}\))?: ?(?=[A-Z0-9])")
_NO_LABELS: Final = re.compile(
    r"(?:from|to|between|and|dear|address|date|place|subject|re|attention|name|parties|title)$", re.IGNORECASE
)

_CHINESE_DEFINED: Final = re.compile(
    r"[（(][^（）()]{0,6}(?:简称|下称|以下称|合称|称为|称)(?:为)?[“\"「『]?([\u4e00-\u9fff]{2,8})[”\"」』]?[)）]|[（(][“\"「『]([\u4e00-\u9fff]{2,8})[”\"」』][)）]"
)
_CHINESE_LABELLED: Final = re.compile(
    r"^(?:[（(]?[一二三四\d][)）.、]?)?([\u4e00-\u9fff]{2,8})(?:[(（][^)）]{1,12}[)）])?[:：](?=[^_，。；]{1,40})"
)
_CHINESE_ORGANISED: Final = re.compile(
    r"^[^，。；]{2,40}?(?:公司|集团|中心|医院|学校|大学|学院|银行|联合社|合作社|厂|店|社|所|馆|局|处|会|部|站|场|政府|行|队|园|庄|俱乐部)"
    r"(?=$|[，,；;。（(、\s])|^[^，。；\d]{2,4}(?=$|[，,；;。（(、\s])|先生|女士|身份证|[某×]"
)
_CHINESE_NAMED: Final = re.compile(
    r"公司|集团|中心|医院|学校|大学|学院|银行|合作社|厂|店|社|所|馆|局|会|部|站|政府|先生|女士|身份证"
)
_CHINESE_THINGS: Final = re.compile(
    r"^[本该](?!公司|司$|企业|单位|[行院校厂店人所馆局社会方]$)|日$|[正副]本|合同|协议|本约|双方|各方|一方|目的|地址|住所|代表|负责人|编号|电话|邮编|日期|时间|地点|账户|账号|开户|名称|代码|范围|项目|标的|内容|"
    r"产品|期限|价|费|鉴于|系统|软件|服务|区域|附件|备注|联系|邮箱|传真|承诺|性质|方式|条件|要求|标准|规定|信息|数据|租赁物|仓储物|货物"
)


def stand_ins(told: Sequence[Sentence]) -> Mapping[str, str]:
    """The words for parties that *told* defines, and the stand-in of each."""
    found: dict[str, str] = {}
    small = {match[1].lower() for each in told[:_FIRST] if (match := _LABELLED.match(each.text))}
    for language, names in (("zh", _chinese(told[:_FIRST])), ("en", _english(told[:_FIRST]))):
        for name, stand_in in zip(dict.fromkeys(names), STAND_INS[language], strict=False):
            found[name] = stand_in
            if language == "en" and name.lower() in small:
                found[name.lower()] = stand_in
    return found


def renamed(told: Iterable[Sentence], known: Mapping[str, str]) -> Iterator[Sentence]:
    """*told* with the stand-ins of *known* in the place of its words."""
    known = {**_SAME, **known}
    whole = re.compile("|".join(map(_alone, sorted(known, key=len, reverse=True))))

    def put(text: str) -> str:
        return whole.sub(lambda match: known[match[0]], text)

    for each in told:
        yield replace(each, text=put(each.text), inline=put(each.inline), headings=tuple(map(put, each.headings)))


def _alone(word: str) -> str:
    """A pattern for *word* where it is no part of another one, such as 聘方 of 受聘方."""
    return rf"\b{re.escape(word)}\b" if word.isascii() else f"(?<![受被反]){re.escape(word)}"


def _english(told: Iterable[Sentence]) -> Iterator[str]:
    before = ""
    for sentence in told:
        text, since = sentence.text, 0
        label = _LABELLED.match(text)
        named = label and _ORGANISED.search(text[label.end() : label.end() + 60])
        if label and named and not (_THINGS.search(label[1]) or _NO_LABELS.search(label[1])):
            yield label[1]
        for match in _DEFINED.finditer(text):
            name = next(filter(None, match.groups()))
            beside = (
                text[since : match.start()]
                if since
                else " ".join((before, *sentence.headings[-1:], text[: match.start()]))
            )
            second = since and re.match(r"[ ,;]*(?:and|to|in favour of)\b", beside)
            if (second or _ORGANISED.search(beside)) and not _THINGS.search(name):
                yield name
            since = match.end()
        before = "" if since else text


def _chinese(told: Iterable[Sentence]) -> Iterator[str]:
    for sentence in told:
        text, since = sentence.text, 0
        label = _CHINESE_LABELLED.match(text)
        if label and not _CHINESE_THINGS.search(label[1]) and _CHINESE_ORGANISED.search(text[label.end() :][:40]):
            yield label[1]
        for match in _CHINESE_DEFINED.finditer(text):
            name = match[1] or match[2]
            if _CHINESE_NAMED.search(text[since : match.start()]) and not _CHINESE_THINGS.search(name):
                yield name
            since = match.end()
