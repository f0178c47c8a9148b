"""Whether a content stream is written by the rules, as every program reads it (ISO 32000-2, 7.2, 7.3, 8 and 9).

What breaks them is drawn by each program in its own way: ``--100`` is -100 to one and 0 to another, and text in a
font that is not there is shown or not. Most of a stream is passed over by one regular expression, which knows the
operators that need only numbers and strings; the others are looked at one by one.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from appliance.pdf import content_tokens as tokens
from appliance.pdf import coordinates, graphics_state
from appliance.pdf import operands as words
from appliance.pdf.coordinates import UNCHANGED, Limits, Matrix, TextLines
from appliance.pdf.graphics_state import GraphicsState, Paint
from appliance.pdf.inline_images import NotPlain, end_of_image
from appliance.pdf.line_caps import PROJECTING, DegenerateLines, stroked_points
from appliance.pdf.operands import NamedResources, first_name, kinds_of, numbers_of, only_numbers
from appliance.pdf.plain_fonts import glyph_map, require_mapped
from appliance.pdf.plain_paints import PATTERN, UNCOLOURED
from appliance.pdf.reader import entry
from appliance.pdf.thin_areas import AreaState, has_thin_box, is_thin_picture, look_at_areas

_BOTH, _PAGE, _PATH, _TEXT = "both", "page", "path", "text"


class StreamCheck:
    """One look at *content*, which begins under *matrix* and whose parts end at *joints*; ``used`` are the
    resources that it takes, ``limits`` what is left for those that draw, and ``images`` the pictures in it whose
    end is for :func:`appliance.pdf.inline_images.require_own_ends` to find. *inside*: a form, pattern or glyph,
    for which colours may have been set. Nothing is ``thin`` in what is not part of the page itself."""

    def __init__(
        self,
        content: bytes,
        resources: NamedResources,
        *,
        inside: bool = False,
        glyph: bool = False,
        joints: Sequence[int] = (),
        limits: Limits,
        matrix: Matrix = UNCHANGED,
    ) -> None:
        self._content = content + b"\n"
        self._resources = resources
        self._glyph, self._uncoloured = glyph, False
        self.thin = False
        self._joints = joints
        self.used: dict[tuple[str, bytes], Any] = {}
        self.images: list[bytes] = []
        self._limits, self._matrix = limits, matrix
        self.limits: dict[tuple[str, bytes], Limits] = {}
        self._lines = TextLines()
        self._text = self._path = False
        self._maps: dict[tuple[str, bytes] | None, int | frozenset[int] | None] = {}
        self._inside = inside
        self._touched = self._over = False
        paint = Paint(coloured=inside)
        cap = None if inside else 0
        state = GraphicsState(cap=cap, fill=paint, stroke=paint, matrix=matrix, width=limits.width)
        self._state = state._replace(mixed=inside, alphas=limits.alphas)
        self._saved: list[GraphicsState] = []
        self._parts: list[bytes] = []
        self.degenerate = DegenerateLines()
        self._compatible = 0

    def run(self) -> None:
        """Raises :class:`NotPlain` when programs may draw the content differently."""
        content = self._content
        words.require_short_strings(content)
        place = self._first_of_glyph() if self._glyph else 0
        while True:
            end = self._many().match(content, place).end()  # type: ignore[union-attr]  # it matches nothing, too
            if self._joints:
                self._require_whole_parts(place, end)
            operators = content[place:end]
            if not self._text:
                self._require_near(operators)
            elif operators.strip():
                self._follow(operators)
            if self._path:
                self._parts.append(operators)
            elif not self._text:
                self._look_at_areas(operators)
                if self._state.cap != 0:
                    self._look_at_points(stroked_points(operators))
            if self._state.dots and b"[" in operators and b"%" not in operators:
                self._state = self._state._replace(dots=False)  # other dashes
            if self._over or not (self._saved or self._touched):
                self._touch(tokens.SPACE.fullmatch(content, place, end) is None)
            place = end
            if place == len(content):
                break
            place = self._step(place)
        if self._text or self._path or self._compatible:
            raise NotPlain("something is not closed")

    def _require_near(self, operators: bytes) -> None:
        """Where *operators* draw, and with which lines."""
        state = self._state
        if b"%" in operators or b"\0" in operators or b"Tw" in operators:
            operators = only_numbers(operators)
        self._look_at_letters(operators)
        width = coordinates.widest(operators, state.width)
        leading = coordinates.largest(operators, b"TL", state.leading)
        dashed = state.dashed or (b"[" in operators and not self._text)
        if (width, leading, dashed) != (state.width, state.leading, state.dashed):
            self._state = state = state._replace(width=width, leading=leading, dashed=dashed)
        coordinates.require_near(operators, state, self._limits)
        self._choose_width(operators)

    def _look_at_letters(self, operators: bytes) -> bool:
        """Whether *operators* show letters that are seen, none of which is narrow."""
        hidden, narrow = self._state.hidden, self._state.narrow
        parts = operators.split(b"Tr") if b"Tr" in operators else [operators]
        modes = [hidden, *(each.split()[-1:] == [b"3"] for each in parts[:-1])]
        seen = any(not mode and coordinates.SHOWN.search(part) for mode, part in zip(modes, parts, strict=True))
        chosen = [narrow, *coordinates.are_narrow(operators)]
        if seen and any(chosen):
            raise coordinates.TooFar("squeezed letters")
        if (hidden, narrow) != (modes[-1], chosen[-1]):
            self._state = self._state._replace(hidden=modes[-1], narrow=chosen[-1])
        return seen

    def _choose_width(self, operators: bytes) -> None:
        """From here on, lines are as wide as *operators* have chosen last."""
        if chosen := coordinates.given(operators, b"w", 1):
            self._state = self._state._replace(width=abs(chosen[-1][0]))

    def _follow(self, operators: bytes) -> None:
        font = self._state.font
        if font is not None and font not in self._maps:
            self._maps[font] = glyph_map(self.used[font])
        letters = self._maps.get(font)
        if letters is not None:
            require_mapped(operators, letters)
        operators = only_numbers(operators)
        coordinates.require_near(b"S", self._state, self._limits)  # letters may be lines
        seen = self._look_at_letters(operators)
        seen = seen or (font is not None and entry(self.used[font], "/Subtype") == "/Type3")
        leading, left = self._lines.follow(operators, self._state, self._limits, seen=seen)
        self._state = self._state._replace(leading=leading)
        self._choose_width(operators)
        if self._state.font is not None:
            self._leave(self._state.font, self._left(left))

    def _leave(self, key: tuple[str, bytes], limits: Limits) -> None:
        """*limits* for what the resource *key* draws, at one place more."""
        self.limits[key] = self.limits.get(key, limits).both(limits)

    def _left(self, limits: Limits) -> Limits:
        """*limits* with what a form or glyph takes over of the state that it is drawn in."""
        return limits._replace(width=self._state.width, alphas=self._state.alphas)

    def _space(self, name: bytes, operands: bytes) -> None:
        self._require_near(operands + b" " + name)

    def _transform(self, name: bytes, operands: bytes) -> None:
        matrix = coordinates.multiplied(coordinates.six(numbers_of(operands)), self._state.matrix)
        coordinates.require_plain_matrix(matrix, self._limits)
        self._state = self._state._replace(matrix=matrix)

    def _many(self) -> re.Pattern[bytes]:
        if self._path:
            return tokens.MANY_IN_PATH
        if not self._text:
            return tokens.SPACE if self._state.is_pending() else tokens.MANY_ON_PAGE
        return (
            tokens.MANY_IN_TEXT if self._state.font and not self._state.is_pending() else tokens.MANY_WITHOUT_FONT
        )

    def _touch(self, does: bool) -> None:
        """Something outside of all q and Q, if it *does*. A Q too many brings back the state from before it in
        MuPDF and nothing elsewhere, so nothing may come on both sides."""
        self._touched |= does and not self._saved
        if does and self._over:
            raise NotPlain("more Q than q")

    def _first_of_glyph(self) -> int:
        """A glyph says first how wide it is (9.6.4)."""
        found = tokens.NEXT.match(self._content, tokens.SPACE.match(self._content).end())  # type: ignore[union-attr]
        kinds = kinds_of(found[1]) if found is not None else ""
        if found is None or (found[2], kinds) not in ((b"d0", "nn"), (b"d1", "nnnnnn")):
            raise NotPlain("a glyph without width")
        self._uncoloured = found[2] == b"d1"
        return found.end()

    def _require_whole_parts(self, start: int, end: int) -> None:
        """No part ends within a word: programs join parts with and without a blank."""
        index = bisect_right(self._joints, start)
        while index < len(self._joints) and self._joints[index] < end:
            if not tokens.TOKENS.fullmatch(self._content, start, self._joints[index]):
                raise NotPlain("a word in two parts")
            start = self._joints[index]
            index += 1

    def _step(self, place: int) -> int:
        """Past the operator after *place*."""
        if not self._text and not self._path:
            begun = tokens.PATH_BEGUN.match(self._content, place)
            if begun is not None:
                self._path, self._parts = True, [begun[0]]
                self._require_near(begun[0])
                self._touch(True)
                self._require_whole_parts(place, begun.end())
                return begun.end()
        found = tokens.NEXT.match(self._content, place)
        if found is None:
            raise NotPlain(f"no operator: {self._content[place : place + 40]!r}")
        operands, name = found.groups()
        if self._joints:
            self._require_whole_parts(place, found.end())
        known = _OPERATORS.get(name)
        if known is None:
            if not self._compatible or not tokens.PLAIN_WORD.fullmatch(name):
                raise NotPlain(f"operator {name!r}: {found[0][-80:]!r}")
            return found.end()
        kinds, where, action = known
        given = kinds_of(operands) if operands else ""
        of_nothing = (
            where == _PATH and not self._text
        )  # no path is there to be painted, and all programs do nothing
        if not (where in (_BOTH, self._where()) or of_nothing) or not (given == kinds or words.fits(kinds, given)):
            raise NotPlain(f"operands or place of {name!r}: {found[0][-80:]!r}")
        self._touch(name not in _TOUCHING_NOTHING)
        if name == b"BI":
            self._require_coloured(name)
            self._look_at_picture()
            return self._pass_image(found.end())
        if action is not None:
            action(self, name, operands)
        return found.end()

    def _where(self) -> str:
        if self._path:
            return _PATH
        return _TEXT if self._text else _PAGE

    def _pass_image(self, start: int) -> int:
        end, known, mask = end_of_image(self._content, start, self._resources)
        self._require_plain_picture(mask)
        if not known:
            self.images.append(b"BI" + self._content[start:end])
        if bisect_right(self._joints, start) != bisect_left(self._joints, end):
            raise NotPlain("a picture in two parts")
        return end

    def _save(self, name: bytes, operands: bytes) -> None:
        self._saved.append(self._state)

    def _restore(self, name: bytes, operands: bytes) -> None:
        if self._saved:  # the end restores what is left
            self._state = self._saved.pop()
        elif self._touched and not self._inside:
            self._over = True

    def _begin_text(self, name: bytes, operands: bytes) -> None:
        self._text, self._lines = True, TextLines()

    def _end_text(self, name: bytes, operands: bytes) -> None:
        self._text = False

    def _paint(self, name: bytes, operands: bytes) -> None:
        if not self._path:
            return
        self._require_coloured(name, fills=name[:1] in b"fFBb", strokes=name[:1] in b"SsBb")
        self._require_near(name)
        whole = b"".join([*self._parts, name])
        self._look_at_areas(whole)
        if self._state.cap != 0:
            self._look_at_points(stroked_points(whole))
        self._path = False

    def _look_at_points(self, kinds: set[bytes]) -> None:
        """Subpaths without length, of these *kinds*, are stroked. In a form the cap may be its caller's."""
        lines, curves = b"l" in kinds, bool(kinds - {b"l"})
        if self._state.cap is None:
            self.degenerate.lines |= lines
            self.degenerate.curves |= curves
        elif not DegenerateLines({self._state.cap}, lines, curves).are_alike():
            raise NotPlain("a line without length")

    def _look_at_areas(self, operators: bytes) -> None:
        if _AREAS.search(operators):
            state = self._state
            if _OUTLINED.search(operators) and coordinates.are_unlike(state.alphas):
                raise NotPlain("an area with fainter lines")
            areas = AreaState(state.matrix, state.clip, state.is_lined(), state.is_opaque())
            thin, clip = look_at_areas(operators, areas, self._limits)
            self._state = state._replace(clip=clip)
            self._remember_thin(thin)

    def _look_at_picture(self) -> None:
        coordinates.require_near_image(self._state.matrix, self._limits)
        self._remember_thin(is_thin_picture(self._state.matrix, self._limits))

    def _remember_thin(self, thin: bool) -> None:
        if thin and self._limits.apart:
            raise NotPlain("an area without height or width")
        self.thin |= thin

    def _choose_cap(self, cap: Any) -> None:
        self._state = self._state._replace(cap=int(cap))
        self.degenerate.caps.add(int(cap))
        self._require_no_dots()

    def _require_no_dots(self) -> None:
        """Dashes without length: PDFium draws them with projecting caps."""
        if self._state.dots and self._state.cap == PROJECTING:
            raise NotPlain("dashes without length")
        self.degenerate.dots |= self._state.dots and self._inside

    def _require_coloured(self, name: bytes, *, fills: bool = True, strokes: bool = True) -> None:
        """No colour space was chosen without a colour: PDFium keeps the colour of the space before."""
        if (fills and self._state.fill.pending) or (strokes and self._state.stroke.pending):
            raise NotPlain(f"a colour space without a colour before {name!r}")

    def _limit(self, name: bytes, operands: bytes) -> None:
        """What one of the fast patterns passes over unless it is beyond its values."""
        [number] = numbers_of(operands)
        if number < 0 if name == b"w" else number not in range(graphics_state.MODES[name]):
            raise NotPlain(f"a value of {name!r}: {operands[:40]!r}")
        if name == b"w":
            self._state = self._state._replace(width=number)
        if name == b"J":
            self._choose_cap(number)
        if name == b"Tr":
            self._state = self._state._replace(hidden=number == graphics_state.INVISIBLE)

    def _dash(self, name: bytes, operands: bytes) -> None:
        end = operands.rindex(b"]")
        self._choose_dashes(numbers_of(operands[operands.index(b"[") + 1 : end]), *numbers_of(operands[end + 1 :]))

    def _choose_dashes(self, lengths: Sequence[float], phase: float) -> None:
        graphics_state.require_plain_dashes(lengths, phase)
        self._state = self._state._replace(dots=0 in lengths[::2], dashed=self._state.dashed or bool(lengths))
        self._require_no_dots()

    def _nest(self, name: bytes, operands: bytes) -> None:
        self._compatible += 1 if name == b"BX" else -1
        if self._compatible < 0:
            raise NotPlain("EX without BX")

    def _use(self, kind: str, operands: bytes) -> Any:
        """The resource that the last name in *operands* means."""
        name = operands[operands.rindex(b"/") :] if kind == "/Pattern" else operands
        name = first_name(name)
        used = self.used.get((kind, name))
        if used is None:
            used = self.used[kind, name] = self._resources.find(kind, name)
        return used

    def _choose_font(self, name: bytes, operands: bytes) -> None:
        """One that is not there matters once something is shown in it."""
        font = first_name(operands)
        size = numbers_of(operands[operands.index(font) + len(font) :])[0]
        coordinates.require_plain_size(size)
        self._state = self._state._replace(font=None, letters=abs(size))
        with suppress(NotPlain):
            self._use("/Font", operands)
            self._state = self._state._replace(font=("/Font", font))

    def _choose_state(self, name: bytes, operands: bytes) -> None:
        state, key = self._use("/ExtGState", operands), ("/ExtGState", first_name(operands))
        if "/SMask" in state:
            self._leave(key, self._limits.under(self._state.matrix))
        try:
            if "/Font" in state:
                size = abs(float(entry(state, "/Font")[1]))
                coordinates.require_plain_size(size)
                self._state = self._state._replace(font=key, letters=size)
            if "/D" in state:
                lengths, phase = (entry(state, "/D")[index] for index in range(2))
                self._choose_dashes([float(each) for each in lengths], float(phase))
            width = float(entry(state, "/LW", self._state.width))
        except (TypeError, ValueError, IndexError) as error:
            raise NotPlain("numbers of a state") from error
        filled, lined = self._state.alphas
        alphas = (float(entry(state, "/ca", filled)), float(entry(state, "/CA", lined)))
        self._state = self._state._replace(width=width, alphas=alphas)
        mixing = graphics_state.is_mixing(state)
        if mixing or "/SMask" in state:
            self._state = self._state._replace(mixed=True)
        if (self._limits.mixed > 1 and min(alphas) < 1) or (self._limits.mixed and mixing):
            raise NotPlain("colours mixed in a group that is not isolated")
        if width < 0 or any(entry(state, key, 0) not in range(3) for key in ("/LC", "/LJ")):
            raise NotPlain("values of a state")
        if "/LC" in state:
            self._choose_cap(entry(state, "/LC"))

    def _draw(self, name: bytes, operands: bytes) -> None:
        kind = "/XObject" if name == b"Do" else "/Shading"
        used = self._use(kind, operands)
        if name == b"Do" and entry(used, "/Subtype") == "/Image":
            self._require_plain_picture("/ImageMask" in used)
            self._look_at_picture()
        elif name == b"Do":
            if self._state.narrow:  # the form's letters, too
                raise coordinates.TooFar("squeezed letters")
            matrix = coordinates.multiplied(coordinates.matrix_of(used), self._state.matrix)
            self._remember_thin(has_thin_box(used, matrix, self._limits))
            self._leave((kind, first_name(operands)), self._left(self._limits).under(self._state.matrix))
        elif has_thin_box(used, self._state.matrix, self._limits):
            raise NotPlain("a shading without height or width")
        self.degenerate.dots |= self._state.dots  # a form goes on with them
        if name == b"Do" and (entry(used, "/Subtype") != "/Image" or "/ImageMask" in used):
            self._require_coloured(name)

    def _require_uncoloured(self, mask: bool) -> None:
        """A glyph that says that it has no colours (d1) has none: programs pass over them, or over the glyph."""
        if self._uncoloured and not mask:
            raise NotPlain("a colour in a glyph without")

    def _require_plain_picture(self, mask: bool) -> None:
        """As above; and no pattern through a *mask*, which Poppler does not paint."""
        self._require_uncoloured(mask)
        if mask and self._state.fill.components <= PATTERN:
            raise NotPlain("a pattern through a mask")

    def _paint_with(self, strokes: bool, paint: Paint) -> None:
        self._require_uncoloured(mask=False)
        self._state = self._state._replace(stroke=paint) if strokes else self._state._replace(fill=paint)

    def _choose_space(self, name: bytes, operands: bytes) -> None:
        strokes, space = name == b"CS", first_name(operands)
        coloured = (self._state.stroke if strokes else self._state.fill).coloured
        paint = Paint(self._resources.components(space), coloured, coloured or space not in graphics_state.BLACK)
        self._paint_with(strokes, paint)

    def _set_colour(self, name: bytes, operands: bytes) -> None:
        self._paint_with(name.isupper(), graphics_state.PAINTS[name.lower()])

    def _choose_colour(self, name: bytes, operands: bytes) -> None:
        strokes, kinds = name[:1] == b"S", kinds_of(operands)
        space = (self._state.stroke if strokes else self._state.fill).components
        self._paint_with(strokes, Paint(space, coloured=True))
        numbers, named = kinds.count("n"), kinds.endswith("N")
        if named != (space <= PATTERN) or numbers != (PATTERN - space if named else space):
            raise NotPlain(f"a colour of {kinds!r} in a space of {space}")
        if named:
            if (entry(self._use("/Pattern", operands), "/PaintType") == UNCOLOURED) != bool(numbers):
                raise NotPlain("a pattern with the colour of another kind")
            key = ("/Pattern", first_name(operands[operands.rindex(b"/") :]))
            limits = self._limits.under(self._matrix)
            self._leave(key, limits)
            pattern = self._use("/Pattern", operands)
            if has_thin_box(entry(pattern, "/Shading", pattern), coordinates.matrix_of(pattern), limits):
                raise NotPlain("a pattern without height or width")

    def _show(self, name: bytes, operands: bytes) -> None:
        self._require_coloured(name)
        raise NotPlain(f"text without a font, or odd text: {operands[:40]!r}")


_OPERATORS: dict[bytes, tuple[str, str, Callable[[StreamCheck, bytes, bytes], None] | None]] = {
    **dict.fromkeys(b"M i Tc Tw Ts".split(), ("n", _BOTH, None)),
    **dict.fromkeys((b"Tz", b"TL"), ("n", _BOTH, StreamCheck._space)),
    **dict.fromkeys(b"w J j Tr".split(), ("n", _BOTH, StreamCheck._limit)),
    **dict.fromkeys((b"g", b"G"), ("n", _BOTH, StreamCheck._set_colour)),
    **dict.fromkeys((b"rg", b"RG"), ("nnn", _BOTH, StreamCheck._set_colour)),
    **dict.fromkeys((b"k", b"K"), ("nnnn", _BOTH, StreamCheck._set_colour)),
    **dict.fromkeys((b"cs", b"CS"), ("N", _BOTH, StreamCheck._choose_space)),
    **dict.fromkeys((b"sc", b"SC", b"scn", b"SCN"), ("n*N?", _BOTH, StreamCheck._choose_colour)),
    **dict.fromkeys((b"ri", b"MP", b"BMC"), ("N", _BOTH, None)),
    **dict.fromkeys((b"DP", b"BDC"), ("N[Nd]", _BOTH, None)),
    **dict.fromkeys((b"Do", b"sh"), ("N", _PAGE, StreamCheck._draw)),
    **dict.fromkeys((b"BX", b"EX"), ("", _BOTH, StreamCheck._nest)),
    **dict.fromkeys((b"Tj", b"'"), ("s", _TEXT, StreamCheck._show)),
    **dict.fromkeys(b"n f F f* S s B B* b b*".split(), ("", _PATH, StreamCheck._paint)),
    b'"': ("nns", _TEXT, StreamCheck._show),
    b"TJ": ("a", _TEXT, StreamCheck._show),
    b"T*": ("", _TEXT, None),
    b"d": ("an", _BOTH, StreamCheck._dash),
    b"cm": ("nnnnnn", _PAGE, StreamCheck._transform),
    b"EMC": ("", _BOTH, None),
    b"BI": ("", _PAGE, None),
    b"q": ("", _PAGE, StreamCheck._save),
    b"Q": ("", _PAGE, StreamCheck._restore),
    b"BT": ("", _PAGE, StreamCheck._begin_text),
    b"ET": ("", _TEXT, StreamCheck._end_text),
    b"Tf": ("Nn", _BOTH, StreamCheck._choose_font),
    b"gs": ("N", _BOTH, StreamCheck._choose_state),
}
"""Operands, place and meaning of what the regular expressions leave over; lines of paths never are."""

_OUTLINED = re.compile(rb"[Bb]")
_AREAS = re.compile(rb"[fFBbW]")
"""In operators of paths and states: an area is painted, or a clip."""
_TOUCHING_NOTHING = frozenset(b"q Q BMC BDC EMC MP DP BX EX".split())
