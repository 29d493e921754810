//! What is taken out of each kind of document; `data/make.py` made the files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use documents::{Extract, Kind, Limits, extract};
use support::{data, docx, reader};

/// The text of a document, as the child and the library both read it.
fn read(name: &str, bytes: &[u8]) -> Extract {
    let limits = Limits::default();
    let read = reader().extract(name, bytes, &limits).unwrap();
    assert_eq!(Ok(&read), extract(name, bytes, &limits).as_ref(), "the child says what the library says");
    assert!(!read.cut, "{name} is read whole");
    read
}

fn sample(name: &str) -> Extract {
    read(name, &data(name))
}

#[test]
fn text_stays_as_it_is_and_its_name_says_what_it_is() {
    let text = "# 滝\n\na,b\n";
    for (name, kind) in [
        ("a.txt", Kind::Text),
        ("main.rs", Kind::Text),
        ("README", Kind::Text),
        ("a.md", Kind::Markdown),
        ("A.MARKDOWN", Kind::Markdown),
        ("a.csv", Kind::Csv),
        ("a.tsv", Kind::Csv),
    ] {
        let read = read(name, text.as_bytes());
        assert_eq!((read.kind, read.text.as_str(), read.pages), (kind, text.trim_end(), None), "{name}");
    }
}

#[test]
fn a_table_in_an_old_encoding_is_read_as_utf_8() {
    let table = "名前,高さ\r\n華厳滝,97 m\r\n";
    let bytes = encoding_rs::SHIFT_JIS.encode(table).0;
    assert_eq!(read("滝.csv", &bytes).text, "名前,高さ\n華厳滝,97 m");
}

#[test]
fn the_content_decides_not_the_name() {
    assert_eq!(read("report.txt", &data("cid.pdf")).kind, Kind::Pdf);
    assert_eq!(read("report.pdf", &data("word.docx")).kind, Kind::Docx);
    assert_eq!(read("report.doc", b"only text").kind, Kind::Text);
}

#[test]
fn a_web_page_printed_by_chromium_is_read_in_order() {
    let read = sample("chromium.pdf");
    assert_eq!((read.kind, read.pages), (Kind::Pdf, Some(2)));
    let want = "水の文\n\nこの文は行の終わりでおりかえされますが、一つの文として読めなければなりません。水は水から水へ。\n\n\
        Extraordinarily responsible administrators characteristically misunderstand internationalization.\n\n\
        一つ目\nsecond item\n\n水 高さ\n水一 350 m\n水二 133 m\n\n二ページ目の文章です。";
    assert_eq!(read.text, want);
}

#[test]
fn a_japanese_pdf_of_libreoffice_is_read() {
    let want = "議事録\n\n本日の会議では、来年度の予算と計画について話し合い、次の二つの点を決めました。担当は田中さんです。\
        来週の月曜日までに資料を送ります。\n\n1. 予算は三百万円\n2. 計画は Phase 2";
    assert_eq!(sample("libreoffice.pdf").text, want);
}

#[test]
fn columns_hyphens_and_ligatures_are_read_as_a_person_does() {
    let text = sample("typst.pdf").text;
    for want in [
        "leaving a gorge behind. Measurements",
        "temperature, evaporation and sedimentation, which",
        "efficient flocks",
    ] {
        assert!(text.contains(want), "{want} in {text}");
    }
    let paragraphs: Vec<&str> = text.split("\n\n").map(|paragraph| paragraph.split(' ').next().unwrap()).collect();
    assert_eq!(paragraphs, ["Falling", "The", "A", "The"]);
}

#[test]
fn japanese_without_fonts_and_unicode_tables_is_read() {
    let want = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いて\
        いた事だけは記憶している。\n\n第二章";
    assert_eq!(sample("cid.pdf").text, want);
    assert_eq!(sample("owner.pdf").text, want, "a password that only forbids changes does not lock it");
}

#[test]
fn vertical_japanese_is_read_column_by_column() {
    assert_eq!(
        sample("vertical.pdf").text,
        "国境の長いトンネルを抜けると雪国であった。夜の底が白くなった。信号所に汽車が止まった。"
    );
}

#[test]
fn word_documents_become_markdown() {
    let want = "# 滝の調査\n\n# Overview\n\nWater falls. It is bold.\n\n## 一覧\n\n- 華厳滝\n- 深い項目\n- 那智滝\n1. first\n2. second\n\n\
        | 滝 | 高さ | note |\n| --- | --- | --- |\n| 称名滝 | 350 m | a\\|b |\n| 両方 | | 多分 |\n\n\
        Line one\nline two\ttabbed, cooperate. 滝（たき）added";
    for name in ["word.docx", "libreoffice.docx"] {
        let read = sample(name);
        assert_eq!((read.kind, read.text.as_str()), (Kind::Docx, want), "{name}");
    }
}

#[test]
fn text_boxes_are_read_once_and_nested_tables_stay_in_their_cells() {
    let text = |words: &str| format!("<w:p><w:r><w:t>{words}</w:t></w:r></w:p>");
    let boxed = text("in the box");
    let body = format!(
        "<w:p><w:r><w:t>outside</w:t></w:r><w:r><mc:AlternateContent xmlns:mc=\"m\"><mc:Choice>{boxed}</mc:Choice>\
         <mc:Fallback>{boxed}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    );
    assert_eq!(read("a.docx", &docx(&body)).text, "in the box\n\noutside");
    let row = |cells: &str| format!("<w:tbl><w:tr>{cells}</w:tr></w:tbl>");
    let cell = |content: &str| format!("<w:tc>{content}</w:tc>");
    let inner = row(&(cell(&text("b")) + &cell(&text("c"))));
    let body = row(&(cell(&text("a")) + &cell(&(text("first") + &inner))));
    assert_eq!(read("a.docx", &docx(&body)).text, "| a | first<br>b / c |\n| --- | --- |");
}

#[test]
fn workbooks_become_csv_sheet_by_sheet() {
    let read = sample("sheet.xlsx");
    let want = "## 滝\n\n名前,高さ (m),測定日\n称名滝,350,2024-05-01\n\"那智, 滝\",133.5\n\n## Notes\n\n\"says \"\"hi\"\"\",TRUE";
    assert_eq!((read.kind, read.text.as_str()), (Kind::Xlsx, want));
}
