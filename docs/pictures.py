"""Renders the README's picture from a real workbook: fill, LibreOffice to PDF, PDF to PNG. Run by `make pictures`."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image, ImageChops

from xl_econ import cli
from xl_econ.templates import layout
from xl_econ.workbook.recalc import libreoffice

OUT = Path(__file__).parent / "img"
SHEETS = {"Cover": 0, "Calculation": 2, "Results": 3, "Checks": 4}  # page of each in the PDF


def pages(book: Path) -> list[Image.Image]:
    """The pages of a workbook as LibreOffice prints them, without their margins."""
    program = libreoffice()
    if not program:
        sys.exit("pictures need LibreOffice (Debian: apt-get install libreoffice-calc-nogui fonts-crosextra-carlito)")
    profile = f"-env:UserInstallation={(book.parent / 'profile').as_uri()}"
    command = [program, "--headless", profile, "--convert-to", "pdf", "--outdir", str(book.parent), str(book)]
    subprocess.run(command, check=True, capture_output=True)
    pdf = pypdfium2.PdfDocument(book.with_suffix(".pdf"))
    return [trimmed(page.render(scale=1.7).to_pil().convert("RGB")) for page in pdf]


def trimmed(image: Image.Image) -> Image.Image:
    """A page without its footer and its white margins."""
    body = image.crop((0, 0, image.width, int(image.height * 0.95)))
    box = ImageChops.difference(body, Image.new("RGB", body.size, "white")).getbbox() or (0, 0, *body.size)
    return body.crop((max(0, box[0] - 16), max(0, box[1] - 16), box[2] + 16, box[3] + 16))


def main() -> None:
    """Write the pictures to docs/img."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder, "book.xlsx")
        case = layout.folder() / "cases" / "training_budget" / "llama_3_1_405b.toml"
        cli.main(["fill", "training_budget", "-i", str(case), "-o", str(book)])
        found = pages(book)
        for name, number in SHEETS.items():
            found[number].save(OUT / f"training_budget_{name.lower()}.png", optimize=True)
        cover, results = found[SHEETS["Cover"]], found[SHEETS["Results"]]
        cover = cover.crop((0, 0, cover.width, int(cover.height * 0.56)))
        results = results.resize((int(results.width * cover.height / results.height), cover.height))
        both = Image.new("RGB", (cover.width + results.width + 24, cover.height), "white")
        both.paste(cover, (0, 0))
        both.paste(results, (cover.width + 24, 0))
        both.save(OUT / "training_budget.png", optimize=True)


if __name__ == "__main__":
    main()
