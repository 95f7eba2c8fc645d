"""A picture of a terminal as SVG, from what it shows, with its colours, on standard input; the argument is its title."""

import re
import sys

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

# What most terminals have today for the sixteen colours.
THEME = TerminalTheme(
    (23, 24, 30),
    (222, 222, 222),
    [(60, 62, 72), (224, 82, 82), (110, 190, 90), (222, 178, 76), (92, 144, 230), (190, 112, 210), (80, 186, 190), (205, 205, 205)],
    [(122, 124, 134), (255, 118, 118), (140, 224, 118), (250, 212, 110), (128, 176, 255), (222, 150, 240), (116, 222, 226), (255, 255, 255)],
)

# Fonts from elsewhere are not fetched for a picture.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")

lines = sys.stdin.read().splitlines()
with open("/dev/null", "w") as nowhere:
    console = Console(record=True, width=100, file=nowhere, force_terminal=True, color_system="truecolor", legacy_windows=False)
    for line in lines:
        console.print(Text.from_ansi(line), no_wrap=True, crop=True)
    title = sys.argv[1]
    name = re.sub("[^a-z]+", "-", title.lower())
    sys.stdout.write(console.export_svg(title=title, theme=THEME, code_format=FORMAT, unique_id=name))
