"""An invented company: departments in four levels, people of every kind. The same for the same number of
people."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "涛",
    "明",
    "超",
    "霞",
    "平",
    "刚",
)
DIVISIONS = (
    "综合部",
    "法务部",
    "采购部",
    "销售部",
    "财务部",
    "研发部",
    "生产部",
    "质量部",
    "物流部",
    "人力资源部",
)
DISABLED, QUIT, UNOPENED, USES = 2, 5, 4, 1
LABEL = "合同发起人"
DOMAIN = "enterprise.example"


@dataclass(frozen=True)
class Employee:
    """Somebody of the company; ``departments`` has the main one first, ``status`` is that of 企业微信."""

    userid: str
    name: str
    departments: tuple[int, ...]
    leader: str = ""
    status: int = USES
    mail: str = ""


@dataclass
class Company:
    """Departments by number as name and parent, people by userid, labels with userids. ``leaders``: who leads a
    department. ``unlisted`` are people whom no department's list has, though they are there."""

    departments: dict[int, tuple[str, int]]
    people: dict[str, Employee]
    labels: dict[str, list[str]]
    leaders: dict[int, str]
    unlisted: set[str] = field(default_factory=set)

    def of(self, department: int) -> list[Employee]:
        """Who is listed in *department* itself."""
        return [
            each
            for each in self.people.values()
            if department in each.departments and each.userid not in self.unlisted
        ]

    def change(self, userid: str, **values: object) -> None:
        """Something else is so of *userid* now."""
        self.people[userid] = replace(self.people[userid], **values)  # type: ignore[arg-type]

    def below(self, department: int) -> set[int]:
        """*department* and every one below it."""
        found, left = set(), [department]
        while left:
            found.add(each := left.pop())
            left += [key for key, (_, parent) in self.departments.items() if parent == each and key != each]
        return found


def company(people: int = 60, teams: int = 2) -> Company:
    """A company of *people*, in divisions of *teams* teams of two groups each.

    The first leads it; the first of a department leads that. Two are called the same; of a hundred one is
    disabled, one has quit, one has not opened the app and one has no mail address; some are in two departments.
    """
    departments: dict[int, tuple[str, int]] = {1: ("示例企业", 0)}
    leaves: list[int] = []
    for division, name in enumerate(DIVISIONS):
        top = 10 + division
        departments[top] = (name, 1)
        for team in range(teams):
            middle = 100 + division * 10 + team
            departments[middle] = (f"{name}{team + 1}组", top)
            for part, suffix in enumerate("甲乙"):
                leaf = 1000 + middle * 2 + part
                departments[leaf] = (f"{suffix}班", middle)  # as many others are called
                leaves.append(leaf)
    everybody: dict[str, Employee] = {}
    leaders: dict[int, str] = {}
    for number in range(people):
        userid, home = f"u{number:05d}", leaves[number % len(leaves)]
        name = SURNAMES[number % len(SURNAMES)] + GIVEN[number // len(SURNAMES) % len(GIVEN)]
        name += GIVEN[number // 360 % len(GIVEN)] if number >= 360 else ""
        leader = "" if number == 0 else leaders.get(home, "u00000")
        leaders.setdefault(home, userid)
        extra = (10,) if number % 37 == 5 else ()
        mail = "" if number % 100 == 53 else f"{userid}@{DOMAIN}"
        everybody[userid] = Employee(userid, name, (home, *extra), leader, _status(number), mail)
    everybody["u00008"] = replace(everybody["u00008"], name=everybody["u00007"].name)
    return Company(departments, everybody, {LABEL: ["u00001", "u00002"], "其他": ["u00003"]}, leaders)


def _status(number: int) -> int:
    return {50: DISABLED, 51: QUIT, 52: UNOPENED}.get(number % 100, USES)
