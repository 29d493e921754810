//! The text of a PDF, in the order in which its pages draw it.

mod layout;

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, interpret_page,
};
use protocol::Code;
use unicode_normalization::UnicodeNormalization;

use crate::output::Output;
use crate::{Limits, Trouble};
use layout::{Layout, Placed};

/// Units that glyphs are measured in: thousandths of the font's size.
const EM: f64 = 1000.0;

/// Stands for a glyph of which the file does not say what it means.
const UNREADABLE: char = '\u{fffd}';

/// Writes the text of all pages and tells how many there are.
pub(crate) fn read(bytes: &[u8], limits: &Limits, out: &mut Output) -> Result<u32, Trouble> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm) => {
            Trouble::Is(Code::DocumentLocked)
        }
        LoadPdfError::Decryption(_) => Trouble::damaged("its encryption makes no sense"),
        LoadPdfError::Invalid => Trouble::damaged("its structure cannot be followed"),
    })?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(Trouble::damaged("it has no pages"));
    }
    let (mut drew, mut glyphs, mut unreadable) = (false, 0, 0);
    let cache = InterpreterCache::new();
    for (index, page) in pages.iter().enumerate() {
        if index as u64 >= u64::from(limits.pages) {
            out.leave_out();
        }
        if out.is_cut() {
            break;
        }
        let mut context = Context::new(
            Affine::IDENTITY,
            // Nothing is painted: the page may be of any size.
            Rect::new(0.0, 0.0, 1.0, 1.0),
            &cache,
            pdf.xref(),
            InterpreterSettings::default(),
        );
        let mut device =
            TextDevice { layout: Layout::default(), left: limits.characters, drew: false, glyphs: 0, unreadable: 0 };
        interpret_page(page, &mut context, &mut device);
        device.layout.write(out);
        drew |= device.drew;
        glyphs += device.glyphs;
        unreadable += device.unreadable;
    }
    if (glyphs == 0 && drew) || (glyphs > 0 && unreadable * 2 > glyphs) {
        return Err(Trouble::Is(Code::DocumentScanned));
    }
    Ok(pages.len() as u32)
}

/// Takes the glyphs of a page and paints nothing.
struct TextDevice {
    layout: Layout,
    /// Glyphs that are still taken: what is beyond the limit is not kept in memory either.
    left: usize,
    /// The page shows something that is no text.
    drew: bool,
    glyphs: usize,
    unreadable: usize,
}

impl TextDevice {
    fn glyph(&mut self, glyph: &Glyph<'_>, placed: Affine, vertical: bool) {
        let (text, advance) = match glyph {
            Glyph::Outline(outline) => (outline.as_unicode(), outline.advance_width()),
            Glyph::Type3(drawn) => (drawn.as_unicode(), drawn.advance_width()),
        };
        let text = match text {
            Some(BfString::Char(char)) => plain(char),
            Some(BfString::String(text)) => text.chars().map(plain).collect(),
            None => UNREADABLE.into(),
        };
        let origin = placed * Point::ZERO;
        let (right, up) = (placed * Point::new(EM, 0.0) - origin, placed * Point::new(0.0, EM) - origin);
        let size = up.hypot();
        let along: Vec2 = if vertical { -up } else { right };
        if !(origin.is_finite() && size.is_finite() && along.hypot() > f64::EPSILON && size > f64::EPSILON) {
            return;
        }
        self.glyphs += 1;
        self.unreadable += usize::from(text.contains(UNREADABLE));
        let width = if vertical { size } else { f64::from(advance.unwrap_or(0.0)) / EM * along.hypot() };
        self.layout.add(Placed { text, origin: origin.to_vec2(), along: along / along.hypot(), size, width, vertical });
    }
}

impl<'a> Device<'a> for TextDevice {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let vertical = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            // One more than fits, so that the cut is noticed.
            if self.glyphs > self.left {
                return;
            }
            self.glyph(glyph, props.transform * glyph.transform(), vertical);
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.drew = true;
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.drew = true;
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// A character as it is typed: no ligatures, and no radicals or shapes for vertical text in place of ordinary characters.
fn plain(char: char) -> String {
    match char {
        '\u{a0}' => " ".into(),
        '\u{2e80}'..='\u{2fdf}' | '\u{f900}'..='\u{fb06}' | '\u{fe10}'..='\u{fe4f}' => char.nfkc().collect(),
        char => char.into(),
    }
}
