//! The OSD of DJI's Cloud API: what a dock, or the app on a controller, tells of its aircraft over MQTT, every other second.
//!
//! | of `data` | is |
//! |---|---|
//! | `latitude`, `longitude` | WGS84, of the aircraft |
//! | `elevation`, `height` | above the place of take-off; above the ellipsoid |
//! | `attitude_head`, `attitude_pitch`, `attitude_roll` | of the aircraft, in degrees |
//! | `TYPE-SUBTYPE-INDEX`: `gimbal_yaw`, `gimbal_pitch`, `gimbal_roll` | of a payload, on earth |
//! | `zoom_factor` of the same, or of that entry of `cameras` | how far it is zoomed in |

use std::path::Path;
use std::time::Duration;

use forewarn_base::broker::Broker;
use forewarn_base::broker_table;
use forewarn_base::secret::Environment;
use forewarn_base::setting::SettingError;
use forewarn_domain::StreamId;
use forewarn_ground::{Aim, Position, Sample};
use rumqttc::{Client, Event, Packet, QoS, SubscribeReasonCode};
use serde_json::{Map, Value};

use super::LiveGiven;
use super::clock_map::ClockMap;
use super::hearing::Hearing;
use crate::mqtt::{self, CONNECT_TIMEOUT, Trouble};
use crate::telemetry::{Height, turned};

/// Whoever waits looks about so often whether it is to go on.
const TURN: Duration = Duration::from_millis(200);

broker_table! {
    /// An aircraft of DJI, as its dock or controller tells of it to an MQTT broker.
    pub struct DjiConfig {
        /// The aircraft's serial number.
        pub device: String,
        /// The payload whose gimbal counts, such as `52-0-0`; the first by name if absent.
        #[serde(default)]
        pub payload: Option<String>,
    }
}

/// The same checked, with its secrets.
#[derive(Debug, Clone)]
pub struct DjiSource {
    pub(super) broker: Broker,
    config: DjiConfig,
}

impl PartialEq for DjiSource {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config
    }
}

impl DjiConfig {
    /// Checks the table and reads passwords, certificates and keys, whose paths are relative to `directory`.
    pub fn resolve(
        &self,
        stream: &StreamId,
        site: &str,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<DjiSource, SettingError> {
        let is_number = !self.device.is_empty() && self.device.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_number {
            let mend = "write the aircraft's serial number, of letters and digits; not that of its dock";
            return Err(SettingError::value("device", format!("{:?} is no serial number", self.device), mend));
        }
        let client_id = format!("forewarn-{site}-telemetry-{stream}");
        Ok(DjiSource { broker: self.broker().resolve(client_id, directory, environment)?, config: self.clone() })
    }
}

impl DjiSource {
    /// Where the aircraft is told of.
    pub(super) fn topic(&self) -> String {
        format!("thing/product/{}/osd", self.config.device)
    }
}

/// Listens until it is over, and connects as often as that takes.
pub(super) fn run(source: &DjiSource, given: LiveGiven, hearing: &mut Hearing) {
    while let Err(why) = listen(source, given, hearing) {
        if !hearing.failed(&why) {
            return;
        }
    }
}

fn listen(source: &DjiSource, given: LiveGiven, hearing: &mut Hearing) -> Result<(), String> {
    let (broker, topic) = (&source.broker, source.topic());
    let (client, mut connection) = Client::new(mqtt::options(broker, &broker.client_id), 4);
    connection.eventloop.set_network_options(mqtt::network());
    let (mut clock, mut n_heard) = (ClockMap::default(), 0);
    let mut why = format!("nothing comes on {topic}; is `device` the aircraft's own number, and is it on?");
    while !hearing.is_over() {
        let mut samples = Vec::new();
        match connection.recv_timeout(TURN) {
            Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                let asked = client.try_subscribe(&topic, QoS::AtMostOnce);
                asked.map_err(|error| format!("no subscription to {topic}: {error}"))?;
            }
            Ok(Ok(Event::Incoming(Packet::SubAck(ack))))
                if ack.return_codes.contains(&SubscribeReasonCode::Failure) =>
            {
                return Err(format!("{} refused the subscription to {topic}; check its ACL", broker.url));
            }
            // What the broker kept is of nobody knows when.
            Ok(Ok(Event::Incoming(Packet::Publish(message)))) if !message.retain => {
                n_heard += 1;
                hearing.count(vec![("OSD", n_heard)]);
                match osd(&message.payload, source.config.payload.as_deref(), given) {
                    Ok((told_us, sample)) => {
                        let at = clock.map(told_us, hearing.clock.now()).at;
                        samples.push(Sample { at, ..sample });
                    }
                    Err(missing) => why = format!("the messages on {topic} cannot be used: {missing}"),
                }
            }
            Ok(Ok(_)) | Err(_) => {}
            Ok(Err(error)) => return Err(explain(Trouble::from(error), &broker.url.to_string())),
        }
        hearing.take(samples, || why.clone());
    }
    Ok(())
}

fn explain(trouble: Trouble, peer: &str) -> String {
    match trouble {
        Trouble::NoAnswer => format!("{peer} does not answer within {} s", CONNECT_TIMEOUT.as_secs()),
        Trouble::Away(why) => format!("no connection to {peer}: {why}"),
        Trouble::Refused(what) => format!("{peer} refused {what}"),
    }
}

/// One message: its time by the sender's clock, in microseconds, and what it says, as of no time.
fn osd(payload: &[u8], wanted: Option<&str>, given: LiveGiven) -> Result<(i64, Sample), String> {
    let message: Value = serde_json::from_slice(payload).map_err(|error| format!("no JSON: {error}"))?;
    let data = message.get("data").and_then(Value::as_object).ok_or("there is no `data`")?;
    let told_ms = message.get("timestamp").and_then(Value::as_i64).ok_or("there is no `timestamp`")?;
    let number = |table: &Map<String, Value>, key: &str| table.get(key).and_then(Value::as_f64);
    let need = |key: &str| number(data, key).ok_or_else(|| format!("there is no `{key}`"));
    let height_m = need(if given.height == Height::Sea { "height" } else { "elevation" })?;
    let position = Position { lat_deg: need("latitude")?, lon_deg: need("longitude")?, height_m };
    // What cannot be is counted and told where samples are taken in.
    if !position.is_known() && position.impossible().is_none() {
        return Err("the aircraft does not know where it is".to_owned());
    }
    let angles = |table: &Map<String, Value>, keys: [&str; 3]| {
        Some(turned(number(table, keys[0])?, number(table, keys[1])?, number(table, keys[2]).unwrap_or(0.0)))
    };
    let vehicle = angles(data, ["attitude_head", "attitude_pitch", "attitude_roll"]);
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let gimbal = data.iter().filter(|(name, _)| is_wanted(name)).find_map(|(name, value)| {
        let table = value.as_object()?;
        Some((name, table, angles(table, ["gimbal_yaw", "gimbal_pitch", "gimbal_roll"])?))
    });
    let aim = gimbal.map(|(_, _, camera)| Aim::Earth(camera)).or(given.aim);
    let aim = aim.ok_or_else(|| match wanted {
        Some(wanted) => format!("no payload `{wanted}` tells its gimbal; set `payload`, or `aim`"),
        None => "no payload tells its gimbal; set `aim`".to_owned(),
    })?;
    let zoom = gimbal.and_then(|(name, table, _)| {
        let is_same = |camera: &&Value| camera.get("payload_index").and_then(Value::as_str) == Some(name);
        let camera = || data.get("cameras")?.as_array()?.iter().find(is_same)?.get("zoom_factor")?.as_f64();
        number(table, "zoom_factor").or_else(camera)
    });
    let zoom = zoom.filter(|zoom| (0.1..=1_000.0).contains(zoom)).unwrap_or(1.0);
    let at = forewarn_domain::Timestamp::ZERO;
    Ok((told_ms.saturating_mul(1_000), Sample { at, position, vehicle, aim, zoom }))
}

#[cfg(test)]
mod tests;
