//! Excel workbooks as CSV.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};

use crate::output::Output;
use crate::package::Package;
use crate::{Limits, Trouble};

/// Columns of a sheet.
const COLUMNS: usize = 16_384;

pub(crate) fn read(bytes: &[u8], limits: &Limits, out: &mut Output) -> Result<(), Trouble> {
    // calamine opens the file by itself and trusts it more than we do.
    Package::open(bytes, limits)?.check()?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(Trouble::damaged)?;
    let names = book.sheet_names();
    for name in &names {
        if out.is_cut() {
            break;
        }
        sheet(&mut book, name, names.len() > 1, out)?;
    }
    Ok(())
}

/// Writes the cells of a sheet as they come: one far away from the others must not make a large table.
fn sheet(book: &mut Xlsx<Cursor<&[u8]>>, name: &str, with_name: bool, out: &mut Output) -> Result<(), Trouble> {
    let mut cells = match book.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        // A sheet that is a chart has no cells.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(()),
        Err(error) => return Err(Trouble::damaged(error)),
    };
    let (mut row, mut fields) = (None, Vec::new());
    let mut is_empty = true;
    loop {
        let cell = cells.next_cell().map_err(Trouble::damaged)?;
        let at = cell.as_ref().map(calamine::Cell::get_position);
        if at.map(|at| at.0) != row {
            if fields.iter().any(|field: &String| !field.is_empty()) {
                if std::mem::take(&mut is_empty) && with_name {
                    out.paragraph();
                    out.push(&format!("## {name}\n\n"));
                }
                out.push(&line(&fields)?);
            }
            row = at.map(|at| at.0);
            fields.clear();
        }
        let (Some(cell), Some((_, column))) = (cell, at) else { break };
        if out.is_cut() {
            break;
        }
        let column = column as usize;
        let text = words(cell.get_value());
        if column < COLUMNS && !text.is_empty() {
            if fields.len() <= column {
                fields.resize(column + 1, String::new());
            }
            fields[column] = text;
        }
    }
    Ok(())
}

fn line(fields: &[String]) -> Result<String, Trouble> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields).map_err(Trouble::damaged)?;
    let bytes = writer.into_inner().map_err(Trouble::damaged)?;
    String::from_utf8(bytes).map_err(Trouble::damaged)
}

fn words(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => value.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(when) => time(when),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

fn time(when: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = when.to_ymd_hms_milli();
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    let days = when.as_f64();
    if when.is_duration() {
        let seconds = (days.max(0.0) * 86_400.0).round() as u64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    match (days.trunc() != 0.0, days.fract() != 0.0) {
        (true, false) => format!("{year:04}-{month:02}-{day:02}"),
        (false, _) => clock,
        (true, true) => format!("{year:04}-{month:02}-{day:02} {clock}"),
    }
}
