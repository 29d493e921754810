//! The ZIP file that an office document is, unpacked no further than the limits.

use std::io::{Cursor, Read};

use protocol::Code;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::xml::{self, Xml};
use crate::{Kind, Limits, Trouble};

/// Below this a part may unpack to any multiple of its size: an empty sheet packs well. In bytes.
const SMALL: u64 = 1 << 20;

/// Which office document a ZIP file is.
pub(crate) fn kind(bytes: &[u8]) -> Result<Kind, Trouble> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(trouble)?;
    if archive.index_for_name("word/document.xml").is_some() {
        Ok(Kind::Docx)
    } else if archive.index_for_name("xl/workbook.xml").is_some() {
        Ok(Kind::Xlsx)
    } else {
        Err(Trouble::Is(Code::DocumentUnknown))
    }
}

/// An open package.
pub(crate) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    limits: &'a Limits,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Package<'a> {
    pub(crate) fn open(bytes: &'a [u8], limits: &'a Limits) -> Result<Self, Trouble> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(trouble)?;
        if archive.len() > limits.parts {
            return Err(Trouble::Unsafe(format!("it has {} parts", archive.len())));
        }
        Ok(Self { archive, limits, left: limits.unpacked_bytes })
    }

    /// The XML of a part; None if there is none of that name.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<String>, Trouble> {
        match self.archive.index_for_name(name) {
            Some(index) => xml::decode(self.unpack(index)?).map(Some),
            None => Ok(None),
        }
    }

    /// Unpacks every part and reads all XML once: for a library that opens the file by itself.
    pub(crate) fn check(&mut self) -> Result<(), Trouble> {
        for index in 0..self.archive.len() {
            let name = self.archive.by_index_raw(index).map_err(trouble)?.name().map_err(trouble)?.into_owned();
            let bytes = self.unpack(index)?;
            let ending = name.rsplit('.').next().unwrap_or_default();
            if ["xml", "rels", "vml"].iter().any(|xml| ending.eq_ignore_ascii_case(xml)) {
                let text = xml::decode(bytes)?;
                let mut xml = Xml::new(&text, self.limits.depth);
                while xml.next()?.is_some() {}
            }
        }
        Ok(())
    }

    fn unpack(&mut self, index: usize) -> Result<Vec<u8>, Trouble> {
        let part = self.archive.by_index(index).map_err(trouble)?;
        let packed = part.compressed_size().max(1);
        let most = self.left.min(SMALL.max(packed.saturating_mul(self.limits.ratio)));
        // Grows with what comes out: what the file says about its sizes is not believed.
        let mut bytes = Vec::new();
        part.take(most + 1).read_to_end(&mut bytes).map_err(Trouble::damaged)?;
        if bytes.len() as u64 > most {
            return Err(Trouble::Unsafe(format!("a part of {packed} bytes unpacks to more than {most}")));
        }
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }
}

fn trouble(error: ZipError) -> Trouble {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Trouble::Is(Code::DocumentLocked),
        other => Trouble::damaged(other),
    }
}
