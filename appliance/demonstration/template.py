"""A template for the demonstration's initiators: programs can try contracts from templates, and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.demonstration.participants import LI, ZHANG, DemonstrationAuthenticators
from appliance.language import Language
from appliance.model.template_parties import RoleKind, TemplateParties, TemplateRole
from appliance.model.writing import MergeField, MergeFieldKind, TextPurpose
from appliance.writing.markup import markup
from appliance.writing.plain import from_plain
from appliance.writing.texts import Beginning

if TYPE_CHECKING:
    from appliance.wiring import Appliance

BUYER, SELLER = (TemplateRole("买方", RoleKind.SENDER), TemplateRole("卖方", RoleKind.OPEN))
FIELDS: Final = (
    MergeField("货物", MergeFieldKind.TEXT, "货物名称", most="60"),
    MergeField("数量", MergeFieldKind.NUMBER, "数量（台）", least="1"),
    MergeField("总价", MergeFieldKind.MONEY, "合同总价", least="0.01"),
    MergeField("交货日期", MergeFieldKind.DATE, "交货日期"),
    MergeField("运输", MergeFieldKind.CHOICE, "运输方式", choices=("送货上门", "买方自提"), default="送货上门"),
    MergeField("培训", MergeFieldKind.YES_NO, "是否提供操作培训", default="no"),
)
_TEXT: Final = """
# 采购合同（样本）

买方向卖方采购{{货物}}，双方经协商一致，订立本合同。

1. 数量：{{数量}}台；合同总价：{{总价}}。
2. 交货日期：{{交货日期}}；运输方式：{{运输}}。
3. 提供操作培训：{{培训}}。
4. 买方在验收合格之日起十五日内付清全部价款。
5. 本合同经双方电子签名后生效。因本合同发生的争议，双方协商解决；协商不成的，向被告住所地人民法院提起诉讼。
"""


def give_template(appliance: Appliance) -> None:
    """Each initiator's organisation that has no template gets this one; quick when all have."""
    writing, known = appliance.writing, DemonstrationAuthenticators(appliance.settings.home)
    for by in (each.subject for each in (ZHANG, LI) if known.has(each.subject)):
        if not writing.templates.all(by):
            html = markup(from_plain(_TEXT))
            begun = Beginning("采购合同（样本）", "采购", Language.CHINESE, TextPurpose.TEMPLATE, html, FIELDS)
            text = writing.texts.new(by, begun)
            made = writing.templates.publish(text.id, by=by, seen=text.version)
            roles = TemplateParties(roles=(BUYER, SELLER))
            writing.templates.keep_parties(made.id, roles, by=by, seen=made.current.number)
