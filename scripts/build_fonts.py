"""Makes the font files of our documents from the upstream ones: smaller, TrueType outlines, nothing a PDF does not use.

Run once when a font is updated; the results are part of the package. It needs `fonttools` and `brotli` (the extra
`fonts`), and the upstream files in one folder, named as in SOURCES. It must not be part of an installation.

    python scripts/build_fonts.py FOLDER_WITH_UPSTREAM_FILES
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path

from fontTools.merge import Merger
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable

TARGET = Path(__file__).parent.parent / "connector" / "documents" / "fonts"

# Noto Sans Symbols and the like are replaced by one face: arrows, mathematics, boxes, dingbats.
SYMBOLS = (*range(0x2010, 0x2070), *range(0x2100, 0x2C00))
HEBREW = (*range(0x0590, 0x0600), *range(0xFB1D, 0xFB50))
# Blanks stay in the face of the word before them.
BLANKS = (0x20, 0xA0)
ARABIC = (*range(0x0600, 0x0700), *range(0x0750, 0x0780), *range(0xFB50, 0xFE00), *range(0xFE70, 0xFF00))
# How far, in font units, a redrawn curve may be from the original.
_OUTLINE_ERROR = 1.0
_WIDEST_BLANK = 0.3
_CJK_JAPANESE = 0
_EMOJI_FACE = "noto-emoji-*-400-normal.woff2"


def main(folder: Path) -> None:
    """Make every face."""
    for weight in ("Regular", "Bold"):
        sans = TTFont(folder / f"NotoSans-{weight}.ttf")
        _save(sans, f"NotoSans-{weight}.ttf", sans.getBestCmap())
        _save(TTFont(folder / f"NotoSansHebrew-{weight}.ttf"), f"NotoSansHebrew-{weight}.ttf", HEBREW)
        _save(TTFont(folder / f"NotoSansArabic-{weight}.ttf"), f"NotoSansArabic-{weight}.ttf", ARABIC)
        japanese = TTFont(folder / f"NotoSansCJK-{weight}.ttc", fontNumber=_CJK_JAPANESE)
        _save(japanese, f"NotoSansJP-{weight}.ttf", _japanese())
    _save(TTFont(folder / "DejaVuSans.ttf"), "DejaVuSans-Symbols.ttf", SYMBOLS)
    _emoji(folder)
    _write_coverage()


def _write_coverage() -> None:
    """Which characters each face has, as ranges of hexadecimal numbers: reading it is faster than reading the fonts."""
    lines = []
    for path in sorted(TARGET.glob("*.ttf")):
        ranges: list[list[int]] = []
        for code in sorted(TTFont(path).getBestCmap()):
            if ranges and code == ranges[-1][1] + 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
        spans = " ".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in ranges)
        lines.append(f"{path.name} {spans}")
    (TARGET / "coverage.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


def _japanese() -> set[int]:
    """The characters of code page 932: JIS X 0208 (kana, kanji of levels 1 and 2), and variants that names use."""
    found = set(range(0xFF61, 0xFFA0))
    for first in (*range(0x81, 0xA0), *range(0xE0, 0xFD)):
        for second in range(0x40, 0xFD):
            try:
                found.add(ord(bytes((first, second)).decode("cp932")))
            except UnicodeDecodeError:
                continue
    return {code for code in found if 0x2E80 <= code < 0xE000 or code >= 0xF900 or code in (0x2025, 0x2026, 0x203B)}


def _emoji(folder: Path) -> None:
    """One face from the slices in which the emoji are published."""
    slices = []
    for path in sorted(folder.glob(_EMOJI_FACE)):
        font = TTFont(path)
        font.flavor = None
        for table in ("GSUB", "GPOS", "GDEF", "STAT", "vhea", "vmtx"):
            if table in font:
                del font[table]
        held = io.BytesIO()
        font.save(held)
        held.seek(0)
        slices.append(held)
    merged = Merger().merge(slices)
    codes = {code for code in merged.getBestCmap() if code > 0x2000}
    _save(merged, "NotoEmoji-Regular.ttf", codes)


def _save(font: TTFont, name: str, codes: Iterable[int]) -> None:
    options = Options(
        hinting=False,
        layout_features=[],
        drop_tables=[*Options().drop_tables, "GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "STAT"],
        name_IDs=["*"],
        notdef_outline=True,
        recalc_timestamp=False,
        glyph_names=False,
    )
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[*codes, *BLANKS])
    subsetter.subset(font)
    _narrow_blanks(font)
    if "CFF " in font:
        _draw_as_truetype(font)
    font.recalcTimestamp = False
    font.save(TARGET / name)
    print(f"{name}: {len(font.getBestCmap())} characters, {(TARGET / name).stat().st_size // 1024} kB")


def _narrow_blanks(font: TTFont) -> None:
    """A blank after an emoji is as wide as one between words."""
    names, most = font.getBestCmap(), round(_WIDEST_BLANK * font["head"].unitsPerEm)
    for code in set(BLANKS) & set(names):
        width, bearing = font["hmtx"][names[code]]
        font["hmtx"][names[code]] = (min(width, most), bearing)


def _draw_as_truetype(font: TTFont) -> None:
    """PDF writing embeds TrueType outlines only; the PostScript ones are redrawn once, here."""
    order, glyphs = font.getGlyphOrder(), font.getGlyphSet()
    glyf = newTable("glyf")
    glyf.glyphOrder, glyf.glyphs = order, {}
    for name in order:
        pen = TTGlyphPen(glyphs)
        glyphs[name].draw(Cu2QuPen(pen, _OUTLINE_ERROR, reverse_direction=True))
        glyf[name] = pen.glyph()
    font["glyf"], font["loca"] = glyf, newTable("loca")
    font["head"].glyphDataFormat = 0
    font["maxp"].tableVersion = 0x00010000
    for attribute in (
        "maxTwilightPoints",
        "maxStorage",
        "maxFunctionDefs",
        "maxInstructionDefs",
        "maxStackElements",
        "maxSizeOfInstructions",
        "maxComponentElements",
    ):
        setattr(font["maxp"], attribute, 0)
    font["maxp"].maxZones = 1
    font["post"].formatType = 3.0
    del font["CFF "]
    font.sfntVersion = "\x00\x01\x00\x00"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
