//! What is taken of an offer (SDP, RFC 8866): one video track in H.264, and that sent again which was lost.
//!
//! The rest is declined before `webrtcbin` sees it: sound, other codings, smaller copies beside the picture (simulcast), and
//! extensions of headers, of which none is read.

/// Why an offer is declined, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Declined(pub(crate) String);

/// The offer as it is taken, of its numbers of H.264 those that are wanted.
pub(crate) fn taken(offer: &str, is_wanted: impl Fn(&str) -> bool) -> Result<String, Declined> {
    let lines: Vec<&str> = lines_of(offer)?;
    let first = lines.iter().position(|line| line.starts_with("m=")).unwrap_or(lines.len());
    let (head, mut rest) = lines.split_at(first);
    let mut out: Vec<String> = head.iter().filter(|line| !is_extension(line)).map(ToString::to_string).collect();
    let (mut has_video, mut offered) = (false, Vec::new());
    while let Some(media) = rest.first() {
        let end = 1 + rest[1..].iter().position(|line| line.starts_with("m=")).unwrap_or(rest.len() - 1);
        let section;
        (section, rest) = rest.split_at(end);
        if media.starts_with("m=video ") && !has_video {
            offered.extend(codings(section));
            if let Some(kept) = video(section, &is_wanted) {
                has_video = true;
                out.extend(kept);
                continue;
            }
        }
        out.extend(declined(section));
    }
    if has_video {
        return Ok(out.join("\r\n") + "\r\n");
    }
    let what = if offered.is_empty() { "no video".to_owned() } else { format!("video in {}", offered.join(", ")) };
    Err(Declined(format!("it offers {what}, and only H.264 is taken; set the publisher's video codec to H.264")))
}

fn lines_of(offer: &str) -> Result<Vec<&str>, Declined> {
    let lines: Vec<&str> = offer.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    if lines.first() != Some(&"v=0") {
        return Err(Declined("it is no session description (SDP)".to_owned()));
    }
    Ok(lines)
}

/// A way of H.264 that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    /// By which its packets are known.
    pub(crate) number: String,
    /// Its parameters (RFC 6184, 8.1), as they are offered.
    pub(crate) parameters: String,
}

impl Format {
    /// What a parameter says.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let all = self.parameters.split(';').filter_map(|part| part.trim().split_once('='));
        all.filter(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// The ways of H.264 that the first video track offers, in its order.
pub(crate) fn formats_of(offer: &str) -> Result<Vec<Format>, Declined> {
    let lines = lines_of(offer)?;
    let video = lines.iter().skip_while(|line| !line.starts_with("m=video ")).skip(1);
    let section: Vec<&str> = video.take_while(|line| !line.starts_with("m=")).copied().collect();
    let parameters = |number: &str| {
        let of = section.iter().filter_map(|line| numbered(line, "a=fmtp:")).find(|(n, _)| *n == number);
        of.map_or_else(String::new, |(_, parameters)| parameters.to_owned())
    };
    let kinds = section.iter().filter_map(|line| numbered(line, "a=rtpmap:"));
    let h264 = kinds.filter(|(_, kind)| is_kind(kind, "H264"));
    Ok(h264.map(|(number, _)| Format { number: number.to_owned(), parameters: parameters(number) }).collect())
}

/// That an offer of somebody who looks has what a session needs: a video track over which we may send, and by what its
/// transport is reached and known (RFC 8839, RFC 8122), for it all or for that track.
pub(crate) fn check_looker(offer: &str) -> Result<(), Declined> {
    let lines = lines_of(offer)?;
    let head = lines.iter().take_while(|line| !line.starts_with("m="));
    let mut video = lines.iter().skip_while(|line| !line.starts_with("m=video "));
    if video.next().is_none() {
        return Err(Declined("it offers no video".to_owned()));
    }
    let of_track: Vec<&str> = video.take_while(|line| !line.starts_with("m=")).copied().collect();
    if of_track.iter().any(|line| matches!(*line, "a=sendonly" | "a=inactive")) {
        return Err(Declined("its video takes nothing: it must be recvonly".to_owned()));
    }
    let all: Vec<&str> = head.copied().chain(of_track).collect();
    let needed = ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"];
    match needed.iter().find(|name| !all.iter().any(|line| line.starts_with(**name))) {
        Some(missing) => Err(Declined(format!("it has no {}", &missing[2..missing.len() - 1]))),
        None => Ok(()),
    }
}

/// The video track with the wanted numbers of H.264 alone; none where it does not offer any.
fn video(section: &[&str], is_wanted: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let kinds: Vec<(&str, &str)> = section.iter().filter_map(|line| numbered(line, "a=rtpmap:")).collect();
    let h264 = kinds.iter().filter(|(number, kind)| is_kind(kind, "H264") && is_wanted(number));
    let mut kept: Vec<&str> = h264.map(|(number, _)| *number).collect();
    if kept.is_empty() {
        return None;
    }
    // Of what is sent again, that which belongs to these.
    for (number, _) in kinds.iter().filter(|(_, kind)| is_kind(kind, "rtx")) {
        let of = section.iter().filter_map(|line| numbered(line, "a=fmtp:")).find(|(n, _)| n == number);
        let of = of.and_then(|(_, of)| of.split(';').find_map(|part| part.trim().strip_prefix("apt=")));
        if of.is_some_and(|of| kept.contains(&of.trim())) {
            kept.push(number);
        }
    }
    let is_kept = |line: &&&str| {
        let of = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|name| numbered(line, name));
        of.is_none_or(|(number, _)| number == "*" || kept.contains(&number)) && !is_extension(line)
    };
    let transport: Vec<&str> = section[0].split(' ').take(3).chain(kept.iter().copied()).collect();
    let mut out = vec![transport.join(" ")];
    out.extend(section[1..].iter().filter(is_kept).map(ToString::to_string));
    Some(out)
}

/// A track over which nothing is to come.
fn declined(section: &[&str]) -> Vec<String> {
    let is_direction = |line: &str| matches!(line, "a=sendrecv" | "a=sendonly" | "a=recvonly");
    let shown = section.iter().filter(|line| !is_extension(line));
    shown.map(|line| if is_direction(line) { "a=inactive" } else { line }.to_owned()).collect()
}

/// The codings of a track by name, each once.
fn codings(section: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, kind) in section.iter().filter_map(|line| numbered(line, "a=rtpmap:")) {
        let name = kind.split('/').next().unwrap_or(kind).to_owned();
        if !names.contains(&name) && !["rtx", "red", "ulpfec", "flexfec-03"].contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// What `NAME:NUMBER REST` says.
fn numbered<'a>(line: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(name)?.split_once(' ')
}

fn is_kind(kind: &str, name: &str) -> bool {
    kind.split('/').next().is_some_and(|kind| kind.eq_ignore_ascii_case(name))
}

fn is_extension(line: &str) -> bool {
    ["a=extmap:", "a=extmap-allow-mixed", "a=simulcast:", "a=rid:"].iter().any(|name| line.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 45\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\n\
        a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n\
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack pli\r\n\
        a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n\
        a=rtpmap:45 AV1/90000\r\na=rid:h send\r\na=simulcast:send h\r\n";

    #[test]
    fn of_an_offer_one_track_of_h264_is_taken_with_what_is_sent_again() {
        let text = taken(OFFER, |_| true).unwrap();
        assert!(text.contains("m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n"), "{text}");
        for kept in ["a=rtcp-fb:102 nack pli", "a=fmtp:103 apt=102", "a=mid:1\r\na=sendonly", "a=group:BUNDLE 0 1"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        for left_out in ["VP8", "AV1", "apt=96", "a=rtcp-fb:96", "extmap", "rid:", "simulcast"] {
            assert!(!text.contains(left_out), "{left_out}: {text}");
        }
        assert!(text.contains("a=mid:0\r\na=inactive\r\na=rtpmap:111 opus"), "no sound is to come: {text}");
    }

    #[test]
    fn an_offer_without_h264_is_declined_with_what_it_offers_instead() {
        let why = |offer: &str| taken(offer, |_| true).unwrap_err().0;
        let other = why(&OFFER.replace("H264", "H265"));
        assert!(
            other.contains("VP8, H265, AV1") && other.contains("set the publisher's video codec to H.264"),
            "{other}"
        );
        let sound = OFFER.split("m=video").next().unwrap();
        assert!(why(sound).contains("no video"));
        assert!(why("hello").contains("no session description") && why("").contains("no session description"));
    }

    #[test]
    fn a_second_video_track_is_declined() {
        let second = OFFER[OFFER.find("m=video").unwrap()..].replace("a=mid:1", "a=mid:2");
        let text = taken(&(OFFER.to_owned() + &second), |_| true).unwrap();
        assert_eq!(text.matches("a=inactive").count(), 2, "{text}");
        assert!(text.contains("a=mid:2\r\na=inactive"));
    }
}
