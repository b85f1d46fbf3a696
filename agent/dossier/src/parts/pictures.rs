//! The pictures, inside the page.

use forewarn_evidence::{Opened, is_sealed_to_key};

use crate::html::Html;
use crate::times::Times;
use crate::words::Say;

/// A picture larger than this is not put into a page.
const MOST_BYTES: u64 = 16 << 20;
/// Pictures of all together are not more than this.
const MOST_BYTES_IN_ALL: usize = 48 << 20;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened, times: &Times) {
    let Some(record) = &opened.record else { return };
    page.heading(say.pick("Pictures", "图片"));
    let mut left = MOST_BYTES_IN_ALL;
    for shot in &record.snapshots {
        let caption = format!("{}, {}", say.moment(shot.moment), times.tell(&shot.captured_at));
        picture(page, say, opened, (&shot.marked_file, &caption), &mut left);
    }
    if record.snapshots.is_empty() {
        page.paragraph(say.pick("No picture was kept.", "未保存图片。"));
    }
    if !record.closeups.is_empty() {
        page.raw("<div class=\"closeups\">\n");
        for shot in &record.closeups {
            let caption = format!("{}, {}, {}", shot.attribute, say.moment(shot.moment), times.tell(&shot.at));
            picture(page, say, opened, (&shot.file, &caption), &mut left);
        }
        page.raw("</div>\n");
    }
    clips(page, say, opened, times);
}

fn picture(page: &mut Html, say: Say, opened: &Opened, (file, caption): (&str, &str), left: &mut usize) {
    let found = opened.file(file, MOST_BYTES).filter(|(bytes, _)| is_jpeg(bytes));
    page.raw("<figure>");
    match found {
        Some((bytes, holds)) if bytes.len() <= *left => {
            *left -= bytes.len();
            page.raw("<img alt=\"").text(caption).raw("\" src=\"").jpeg(&bytes).raw("\">");
            if !holds {
                let words = say.pick("This picture is not the one that was sealed.", "此图片与封存的图片不一致。");
                page.raw("<p class=\"note\">").text(words).raw("</p>");
            }
        }
        Some(_) => {
            page.paragraph(say.pick("This picture is too large for the page.", "此图片过大，未放入报告。"));
        }
        None if is_sealed_to_key(file) => {
            let words = say.pick(
                "This picture is sealed to a public key: its holder opens it with age.",
                "此图片已用公钥加密，由密钥持有人用 age 打开。",
            );
            page.raw("<p class=\"note\">").text(words).raw("</p>");
        }
        None => {
            let words = say.pick("This picture is gone or cannot be read.", "此图片缺失或无法读取。");
            page.raw("<p class=\"note\">").text(words).raw("</p>");
        }
    }
    page.raw("<figcaption>").text(caption).text(" · ").text(file).raw("</figcaption></figure>\n");
}

/// Whether it is a JPEG by its first bytes.
pub fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

fn clips(page: &mut Html, say: Say, opened: &Opened, times: &Times) {
    let Some(record) = opened.record.as_ref().filter(|record| !record.clips.is_empty()) else { return };
    page.heading(say.pick("Clips in the bundle", "证据包内的录像"));
    page.raw("<table class=\"list\"><thead><tr>");
    for name in [say.pick("File", "文件"), say.pick("From", "起"), say.pick("To", "止"), say.pick("Picture", "画面")]
    {
        page.raw("<th>").text(name).raw("</th>");
    }
    page.raw("</tr></thead><tbody>\n");
    for clip in &record.clips {
        page.raw("<tr><td class=\"file\">")
            .text(&clip.file)
            .raw("</td><td class=\"time\">")
            .text(&times.tell(&clip.from));
        page.raw("</td><td class=\"time\">").text(&times.tell(&clip.to)).raw("</td><td>");
        page.text(&format!("{}, {} × {}", clip.codec, clip.width, clip.height)).raw("</td></tr>\n");
    }
    page.raw("</tbody></table>\n");
}
