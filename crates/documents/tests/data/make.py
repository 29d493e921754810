"""Made the files in this folder; they are kept, so nothing here runs in a test.

    pip install reportlab==5.1.0 python-docx==1.2.0 openpyxl==3.1.5 typst==0.15.2 pikepdf==10.18.0 pillow
    apt install chromium libreoffice-writer-nogui fonts-ipafont-gothic
    python3 make.py
"""
import datetime
import pathlib
import subprocess
import tempfile
import zipfile

import docx
import openpyxl
import pikepdf
import typst
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4, A5
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

HERE = pathlib.Path(__file__).resolve().parent

WEB = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Web</title>
<style>@page { size: A5; margin: 15mm } body { font: 11pt 'IPAGothic'; hyphens: auto } .next { break-before: page }</style>
<h1>水の文</h1>
<p>この文は行の終わりでおりかえされますが、一つの文として読めなければなりません。水は水から水へ。</p>
<p lang="en">Extraordinarily responsible administrators characteristically misunderstand internationalization.</p>
<ul><li>一つ目</li><li>second item</li></ul>
<table><tr><th>水</th><th>高さ</th></tr><tr><td>水一</td><td>350 m</td></tr><tr><td>水二</td><td>133 m</td></tr></table>
<p class="next">二ページ目の文章です。</p></html>"""

OFFICE = """<!doctype html><html lang="ja"><meta charset="utf-8"><style>* { font: 12pt 'IPAGothic' }</style>
<h1>議事録</h1>
<p>本日の会議では、来年度の予算と計画について話し合い、次の二つの点を決めました。担当は田中さんです。来週の月曜日までに資料を送ります。</p>
<ol><li>予算は三百万円</li><li>計画は Phase 2</li></ol></html>"""

PAPER = """#set page(width: 148mm, height: 210mm, columns: 2, margin: 15mm)
#set text(font: "Libertinus Serif", size: 10pt, lang: "en", hyphenate: true)
#set par(justify: true, first-line-indent: 1em)
= Falling water
The left column begins here. Water that falls from a cliff wears the rock away, and the waterfall retreats upstream over thousands of years, leaving a gorge behind. Measurements of the retreat are notoriously difficult.

A second paragraph follows in the very same column and tells of efficient flocks, so that ligatures are in the file.
#colbreak()
The right column is read after the left one. It has its own sentences about temperature, evaporation and sedimentation, which are hyphenated wherever the typesetter likes.
"""


def chromium():
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        page.write_text(WEB)
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={HERE / 'chromium.pdf'}", str(page)], check=True, capture_output=True)


def office():
    """What LibreOffice writes: the document of python-docx as DOCX, a page of its own as PDF."""
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "libreoffice.html"
        page.write_text(OFFICE)
        for kind, source in [("docx", HERE / "word.docx"), ("pdf", page)]:
            subprocess.run(["soffice", "--headless", "--infilter=HTML (StarWriter)" if kind == "pdf" else "--writer", "--convert-to", kind, "--outdir", folder, str(source)], check=True, capture_output=True)
        for made, kept in [("word.docx", "libreoffice.docx"), ("libreoffice.pdf", "libreoffice.pdf")]:
            (HERE / kept).write_bytes((pathlib.Path(folder) / made).read_bytes())


def cid():
    """Japanese without an embedded font and without ToUnicode: only the predefined CMap says what the codes are."""
    for name, font, text in [
        ("cid.pdf", "HeiseiMin-W3", ["吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当が", "つかぬ。何でも薄暗いじめじめした所でニャーニャー泣いて", "いた事だけは記憶している。"]),
    ]:
        pdfmetrics.registerFont(UnicodeCIDFont(font))
        pdf = canvas.Canvas(str(HERE / name), pagesize=A5, invariant=True)
        pdf.setFont(font, 12)
        for row, line in enumerate(text):
            pdf.drawString(40, 500 - 18 * row, line)
        pdf.setFont(font, 16)
        pdf.drawString(40, 420, "第二章")
        pdf.save()


def vertical():
    font = UnicodeCIDFont("HeiseiMin-W3", isVertical=True)
    font.fontName = font.name = "Vertical"
    pdfmetrics.registerFont(font)
    pdf = canvas.Canvas(str(HERE / "vertical.pdf"), pagesize=A5, invariant=True)
    pdf.setFont("Vertical", 12)
    for column, line in enumerate(["国境の長いトンネルを抜けると雪国であった。夜の底が白く", "なった。信号所に汽車が止まった。"]):
        pdf.drawString(360 - 20 * column, 550, line)
    pdf.save()


def locked():
    with pikepdf.open(HERE / "cid.pdf") as pdf:
        pdf.save(HERE / "locked.pdf", encryption=pikepdf.Encryption(user="secret", owner="owner", R=6))
        pdf.save(HERE / "owner.pdf", encryption=pikepdf.Encryption(user="", owner="owner", R=4))


def scan():
    image = Image.new("1", (800, 400), 1)
    ImageDraw.Draw(image).text((40, 40), "A scanned page", fill=0)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "scan.png"
        image.save(path)
        image.save(HERE / "picture.png")
        pdf = canvas.Canvas(str(HERE / "scan.pdf"), pagesize=A4, invariant=True)
        pdf.drawImage(str(path), 40, 400, 400, 200)
        pdf.save()


def word():
    document = docx.Document()
    document.add_heading("滝の調査", 0)
    document.add_heading("Overview", 1)
    document.add_paragraph("Water falls.").add_run(" It is bold.").bold = True
    document.add_heading("一覧", 2)
    for text, style in [("華厳滝", "List Bullet"), ("深い項目", "List Bullet 2"), ("那智滝", "List Bullet"), ("first", "List Number"), ("second", "List Number")]:
        document.add_paragraph(text, style=style)
    table = document.add_table(rows=3, cols=3)
    for row, cells in enumerate([["滝", "高さ", "note"], ["称名滝", "350 m", "a|b"], ["両方", "", "多分"]]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(2, 0).merge(table.cell(2, 1))
    last = document.add_paragraph("Line one\nline two\ttabbed, co\u00adoperate. ")
    ruby = OxmlElement("w:ruby")
    for part, text in [("w:rt", "たき"), ("w:rubyBase", "滝")]:
        holder, run, words = OxmlElement(part), OxmlElement("w:r"), OxmlElement("w:t")
        words.text = text
        run.append(words)
        holder.append(run)
        ruby.append(holder)
    run = last.add_run()
    run._r.append(ruby)
    for kind, tag, text in [("w:ins", "w:t", "added"), ("w:del", "w:delText", "removed")]:
        change, run, words = OxmlElement(kind), OxmlElement("w:r"), OxmlElement(tag)
        change.set(qn("w:id"), "9" if kind == "w:ins" else "10")
        words.text = text
        run.append(words)
        change.append(run)
        last._p.append(change)
    document.save(HERE / "word.docx")
    shrink(HERE / "word.docx", ["docProps/thumbnail.jpeg"])


def shrink(path, without):
    """Word's template carries a picture that only takes room."""
    with zipfile.ZipFile(path) as old:
        parts = [(info, old.read(info)) for info in old.infolist() if info.filename not in without]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info, data in parts:
            if info.filename == "_rels/.rels":
                data = b"".join(part for part in data.replace(b"<Relationship ", b"\n<Relationship ").splitlines() if b"thumbnail" not in part or b"</Relationships>" in part)
            new.writestr(info.filename, data)


def sheet():
    book = openpyxl.Workbook()
    first = book.active
    first.title = "滝"
    for row in [["名前", "高さ (m)", "測定日"], ["称名滝", 350, datetime.date(2024, 5, 1)], ["那智, 滝", 133.5, None]]:
        first.append(row)
    book.create_sheet("Empty")
    book.create_sheet("Notes").append(['says "hi"', True])
    book.save(HERE / "sheet.xlsx")


for make in [chromium, word, office, cid, vertical, locked, scan, sheet]:
    make()
(HERE / "typst.pdf").write_bytes(typst.compile(PAPER.encode()))
