//! The page of a flight: one file that needs nothing else.

use forewarn_domain::violation::Language;
use forewarn_domain::{StreamId, WallTime, words};
use forewarn_dossier::{Html, Say, Times};
use forewarn_evidence::{StreamTime, TimeLine};

use crate::flown::{BANDS, Flown};
use crate::found::Found;
use crate::log::{Notes, Person};
use crate::paper::Mission;
use crate::people::{Count, count};
use crate::{geojson, plan};

/// All that is told of a flight.
#[derive(Debug)]
pub(crate) struct Told {
    /// What was ordered.
    pub(crate) mission: Mission,
    /// What the notes come to.
    pub(crate) flown: Flown,
    /// Who was followed.
    pub(crate) people: Vec<Person>,
    /// How many they are.
    pub(crate) count: Count,
    /// The incidents.
    pub(crate) found: Vec<Found>,
    /// Lines of the notes that cannot be read.
    pub(crate) damaged: usize,
}

impl Told {
    /// What there is to tell.
    pub(crate) fn of(mission: Mission, notes: Notes, found: Vec<Found>) -> Self {
        let (flown, count) = (Flown::of(&notes), count(&notes.people));
        Self { mission, flown, people: notes.people, count, found, damaged: notes.damaged }
    }

    /// The map for other programs.
    pub(crate) fn geojson(&self) -> String {
        geojson::text(&self.mission, &self.flown, &self.found)
    }

    /// The page.
    pub(crate) fn page(&self, language: Language) -> String {
        let say = Say(language);
        let times = Times::in_zone(Some(self.mission.time_zone.clone()), self.mission.is_clip);
        let mut page = Html::default();
        let route = Some(self.mission.order.route.trim()).filter(|route| !route.is_empty());
        let route = route.unwrap_or(say.pick("A flight without a name", "未命名的飞行"));
        page.open(say, &format!("{route} · {}", self.mission.id));
        page.raw("<style>\n").raw(include_str!("style.css")).raw("</style>\n");
        page.raw("<h1>").text(route).raw("</h1>\n<p class=\"id\">");
        page.text(say.pick("Flight report · ", "飞行报告 · ")).text(&self.mission.id).raw("</p>\n");
        self.write_facts(&mut page, say, &times);
        self.write_map(&mut page, say);
        self.write_people(&mut page, say);
        self.write_found(&mut page, say, &times);
        page.close()
    }

    fn write_facts(&self, page: &mut Html, say: Say, times: &Times) {
        let (mission, flown) = (&self.mission, &self.flown);
        page.raw("<table class=\"facts\">\n");
        page.row(say.pick("Site", "站点"), &mission.site);
        page.row(say.pick("Pilot", "飞手"), &mission.order.pilot);
        if let Some(note) = &mission.order.note {
            page.row(say.pick("Note", "备注"), note);
        }
        let line = if mission.is_clip { TimeLine::Clip } else { TimeLine::WallClock };
        let tell = |at: WallTime| times.tell(&StreamTime::new(at, line));
        let ends = match (mission.is_clip, flown.span, mission.ended_at) {
            (true, Some((first, last)), _) => format!("{} – {}", tell(first), tell(last)),
            (true, None, _) => "–".to_owned(),
            (false, _, Some(end)) => format!("{} – {}", tell(mission.started_at), tell(end)),
            (false, _, None) => format!("{} – {}", tell(mission.started_at), say.pick("still on", "仍在飞行")),
        };
        page.row(say.pick("Flown", "飞行时间"), &ends);
        let zone = times.zone_name.as_deref().unwrap_or("UTC");
        let clip = say.pick("seconds of a clip whose date nobody stated", "录像内的秒数，未说明日期");
        page.row(say.pick("Times are in", "时间所用时区"), if mission.is_clip { clip } else { zone });
        let cameras: Vec<&str> = flown.cameras.iter().map(StreamId::as_str).collect();
        page.row(say.pick("Cameras", "摄像机"), &cameras.join(", "));
        page.row(say.pick("Way", "航程"), &format!("{:.0} m", flown.way_m));
        if let Some((low, high)) = flown.heights_m {
            page.row(say.pick("Height above ground", "离地高度"), &heights(low, high));
        }
        page.raw("</table>\n");
        if flown.notes == 0 {
            let en = "Nothing was noted: the agent did not run, no camera delivered, or none of them has telemetry.";
            note(page, say.pick(en, "没有任何记录：程序未运行、摄像机无画面，或没有遥测数据。"));
        } else if flown.blind > 0 {
            let part = 100.0 * flown.blind as f64 / flown.notes as f64;
            let en = format!(
                "For {part:.0} % of the flight telemetry did not say where the camera was; nothing was judged then."
            );
            let zh = format!("飞行中有 {part:.0}% 的时间没有遥测位置，期间未作判断。");
            note(page, say.pick(&en, &zh));
        }
        if self.damaged > 0 {
            let (en, zh) =
                (format!("{} notes cannot be read.", self.damaged), format!("{} 条记录无法读取。", self.damaged));
            note(page, say.pick(&en, &zh));
        }
    }

    fn write_map(&self, page: &mut Html, say: Say) {
        page.heading(say.pick("Ground that was seen", "已观察的地面"));
        let flown = &self.flown;
        if flown.coverage.is_none() {
            page.paragraph(say.pick("No ground was seen.", "未观察到地面。"));
            return;
        }
        plan::write(page, say, flown, (&self.people, &self.count), &self.found);
        page.raw("<table class=\"list\"><thead><tr><th></th><th>").text(say.pick("Seen so finely", "精细程度"));
        page.raw("</th><th>").text(say.pick("Metres a pixel", "每像素米数")).raw("</th><th>");
        page.text(say.pick("Ground", "面积")).raw("</th></tr></thead><tbody>\n");
        for (number, band) in BANDS.iter().enumerate() {
            let span = if band.below_m.is_finite() {
                format!("{:.3} – {:.3}", band.from_m, band.below_m)
            } else {
                format!("> {:.3}", band.from_m)
            };
            page.raw("<tr><td><span class=\"key band").text(&number.to_string()).raw("\"></span></td><td>");
            page.text(say.pick(band.en, band.zh)).raw("</td><td>").text(&span).raw("</td><td>");
            page.text(&format!("{:.0} m²", flown.area_m2(band))).raw("</td></tr>\n");
        }
        page.raw("</tbody></table>\n");
        let en = "Metres a pixel count across the line of sight, by the finest view of each place. Line: the way, with its end. Small dots: people, \
                  where each was seen first. Numbers: incidents, with the ellipse that holds the place with 95 %.";
        let zh = "每像素米数按垂直于视线方向、取每处最精细的一次观察。线：航迹及终点。小点：人员首次出现处。数字：事件及 95% 位置椭圆。";
        page.raw("<p class=\"small\">").text(say.pick(en, zh)).raw("</p>\n");
    }

    fn write_people(&self, page: &mut Html, say: Say) {
        let count = &self.count;
        page.heading(say.pick("People", "人员"));
        page.raw("<p class=\"count\"><strong>").text(&count.people.len().to_string()).raw("</strong> ");
        let en = format!("people, each counted once; between {} and {}", count.least, count.most);
        let zh = format!("人，每人计一次；介于 {} 与 {} 之间", count.least, count.most);
        page.text(say.pick(&en, &zh)).raw("</p>\n");
        if !count.worn.is_empty() {
            page.raw("<table class=\"list\"><thead><tr>");
            let names = [
                say.pick("Attribute", "属性"),
                say.pick("With", "佩戴"),
                say.pick("Without", "未佩戴"),
                say.pick("Cannot be told", "无法判断"),
                say.pick("Fly closer", "需飞近"),
            ];
            for name in names {
                page.raw("<th>").text(name).raw("</th>");
            }
            page.raw("</tr></thead><tbody>\n");
            for (attribute, worn) in &count.worn {
                // Whoever could not be told may belong to either.
                let between = |told: usize| {
                    if worn.unclear == 0 {
                        told.to_string()
                    } else {
                        format!("{told} ({told} – {})", told + worn.unclear)
                    }
                };
                page.raw("<tr><td>")
                    .text(words::in_language(attribute, say.0))
                    .raw("</td><td>")
                    .text(&between(worn.with))
                    .raw("</td><td>");
                page.text(&between(worn.without)).raw("</td><td>").text(&worn.unclear.to_string()).raw("</td><td>");
                let closer = worn.fly_within_m.map_or_else(String::new, |within_m| {
                    let (en, zh) = (
                        format!("{} too small; within {within_m} m it can be told", worn.too_far),
                        format!("{} 人像素不足；飞至 {within_m} 米内可判断", worn.too_far),
                    );
                    say.pick(&en, &zh).to_owned()
                });
                page.text(&closer).raw("</td></tr>\n");
            }
            page.raw("</tbody></table>\n");
        }
        let tallest = self.people.iter().map(|person| person.tallest_px).fold(0.0, f32::max);
        let en = format!(
            "Two sightings are one person where they can be by place, time and colours. At least: everybody who can be somebody \
             seen before is. At most: only who goes on within 3 s at the same place is. {} at once; {} glimpses count in the upper end \
             alone; the tallest was {tallest:.0} pixels high.",
            count.at_once, count.glimpses
        );
        let zh = format!(
            "位置、时间与颜色相符的两次出现视为同一人。下限：凡可能是先前见过的人均视为同一人；上限：仅 3 秒内在同一位置继续出现者视为同一人。\
             同时最多 {} 人；{} 次一瞥仅计入上限；最高者为 {tallest:.0} 像素。",
            count.at_once, count.glimpses
        );
        page.raw("<p class=\"small\">").text(say.pick(&en, &zh)).raw("</p>\n");
    }

    fn write_found(&self, page: &mut Html, say: Say, times: &Times) {
        page.heading(say.pick("Incidents", "事件"));
        if self.found.is_empty() {
            page.paragraph(say.pick("There was none.", "没有事件。"));
        }
        for (number, one) in self.found.iter().enumerate() {
            page.raw("<section class=\"found\"><h3>").text(&format!("{}  {}", number + 1, one.title)).raw("</h3>\n");
            page.raw("<table class=\"facts\">\n");
            page.row(say.pick("Confirmed", "确认时间"), &times.tell(&one.at));
            page.row(say.pick("State", "状态"), say.state(one.state));
            page.row(say.pick("Camera", "摄像机"), one.camera.as_str());
            let place = one.fix.map_or_else(
                || say.pick("not known", "未知").to_owned(),
                |fix| format!("{:.6}, {:.6} ± {:.0} m", fix.lat_deg, fix.lon_deg, fix.ellipse.major_m),
            );
            page.row(say.pick("Place (WGS84)", "位置（WGS84）"), &place);
            for (about, within_m) in &one.fly_closer {
                let within_m = within_m.floor();
                let en = format!("within {within_m:.0} m, to tell {about}");
                let zh = format!("{within_m:.0} 米内可判断{}", about.in_language(say.0));
                page.row(say.pick("Fly closer", "请飞近"), say.pick(&en, &zh));
            }
            page.row(say.pick("Evidence", "证据"), &one.id);
            page.raw("</table>\n");
            if !one.holds {
                let en = "The bundle is not what was sealed, or is not sealed yet: see `forewarn evidence verify`.";
                note(page, say.pick(en, "证据包与封存时不一致，或尚未封存：请用 `forewarn evidence verify` 检查。"));
            }
            match &one.picture {
                Some(bytes) => {
                    page.raw("<figure><img alt=\"").text(&one.title).raw("\" src=\"").jpeg(bytes).raw("\"></figure>\n")
                }
                None => page.paragraph(say.pick("No picture was kept.", "未保存图片。")),
            };
            page.raw("</section>\n");
        }
    }
}

fn heights(low: f64, high: f64) -> String {
    if high - low < 0.5 { format!("{high:.1} m") } else { format!("{low:.0} – {high:.0} m") }
}

fn note(page: &mut Html, words: &str) {
    page.raw("<p class=\"note\">").text(words).raw("</p>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::Order;

    fn told(route: &str) -> Told {
        let order = Order { route: route.to_owned(), pilot: "Li".to_owned(), note: Some("windy".to_owned()) };
        let mission = Mission {
            id: "2026".to_owned(),
            order,
            site: "hill".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            started_at: WallTime::from_secs_f64(1_767_225_600.0),
            ended_at: Some(WallTime::from_secs_f64(1_767_225_660.0)),
            is_clip: false,
        };
        let ring = "[[120.0,30.0],[120.001,30.0],[120.001,30.001],[120.0,30.001]]";
        let shot = format!(
            r#"{{"shot":{{"at":1767225600000000,"camera":"drone","lat_deg":30.0005,"lon_deg":120.0005,"height_m":30.0,"ground_m":0.0,"focal_px":1000.0,"ring":{ring}}}}}"#
        );
        Told::of(mission, Notes::of([shot.as_str()]), Vec::new())
    }

    #[test]
    fn the_page_needs_nothing_else_and_runs_nothing_in_both_languages() {
        let told = told("<script>alert(1)</script> hill");
        for (language, word) in [(Language::En, "Ground that was seen"), (Language::Zh, "已观察的地面")] {
            let page = told.page(language);
            assert!(page.contains(word) && page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
            assert!(page.contains("default-src 'none'") && !page.contains("http://") && !page.contains("https://"));
            assert!(page.contains("class=\"band") && page.contains("2026-01-01 08:00:00"), "{page}");
            assert_eq!(page.matches("<svg").count(), 1);
        }
    }

    #[test]
    fn nothing_noted_is_told_as_such() {
        let told = Told::of(told("hill").mission, Notes::default(), Vec::new());
        let page = told.page(Language::En);
        assert!(page.contains("Nothing was noted") && page.contains("No ground was seen"), "{page}");
        assert!(told.geojson().contains("\"features\": []"));
        // An earlier version took no name for one.
        let page = Told::of(super::tests::told(" ").mission, Notes::default(), Vec::new()).page(Language::En);
        assert!(page.contains("<h1>A flight without a name</h1>"), "{page}");
    }

    #[test]
    fn the_map_for_programs_has_the_ground_by_how_finely_it_was_seen() {
        let geojson: serde_json::Value = serde_json::from_str(&told("hill").geojson()).unwrap();
        let features = geojson["features"].as_array().unwrap();
        let area = |band: &str| {
            let of = features.iter().find(|feature| feature["properties"]["band"] == band);
            of.map_or(0.0, |feature| feature["properties"]["area_m2"].as_f64().unwrap())
        };
        let all = area("people") + area("hats") + area("masks");
        assert!((all / (96.486 * 110.852) - 1.0).abs() < 0.02, "{all}");
        assert!(features.iter().all(|feature| feature["geometry"]["type"] == "MultiPolygon"), "one place is no way");
    }
}
