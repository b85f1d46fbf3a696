//! What the box is made of, and what the own process uses of it: read from `/proc`, `/sys` and `/dev`.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use forewarn_domain::clock::Boot;
use serde::Serialize;

/// What the box is made of, as far as Forewarn cares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoxFacts {
    /// Instruction set, such as `x86_64` or `aarch64`.
    pub arch: String,
    /// Name of the board or the processor as the kernel tells it.
    pub cpu_model: String,
    /// Logical processors that this process may use.
    pub cores: usize,
    /// Main memory in bytes; 0 if unknown.
    pub memory_bytes: u64,
    /// Memory that can be had without swapping, in bytes; 0 if unknown.
    pub memory_available_bytes: u64,
    /// Render nodes of graphics processors in `/dev/dri`, which VA-API uses.
    pub render_nodes: Vec<String>,
    /// NVIDIA devices in `/dev`; a Jetson has `nvhost-*` and `nvmap`.
    pub nvidia_nodes: Vec<String>,
    /// Video devices of Video4Linux with their names: cameras, and the codecs of many boards.
    pub video_nodes: Vec<VideoNode>,
}

/// A device of Video4Linux.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VideoNode {
    /// The device, such as `video10`.
    pub node: String,
    /// What its driver calls it, such as `bcm2835-codec-decode`.
    pub name: String,
}

impl VideoNode {
    /// Whether the name is that of a stateful or stateless decoder.
    ///
    /// Asking the device needs to open it; the drivers' names are well known: `bcm2835-codec-decode`,
    /// `rkvdec`, `hantro-vpu`, `cedrus`, `venus-decoder`, `mtk-vcodec-dec`, `s5p-mfc-dec`, `wave5-dec`.
    pub fn is_decoder(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let drivers = ["decode", "vdec", "vpu", "cedrus", "-dec", "_dec"];
        drivers.iter().any(|part| name.contains(part)) && !name.contains("enc")
    }
}

/// The boot that the box runs since, and how long ago it was; none where the kernel does not tell.
pub fn boot() -> Option<Boot> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let up_s: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Some(Boot { id, up: Duration::try_from_secs_f64(up_s).ok()? })
}

impl BoxFacts {
    /// The facts of this box.
    pub fn read() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::read_below(Path::new("/"), std::env::consts::ARCH, cores)
    }

    /// The facts that the files below `root` tell. What cannot be read is left empty, because a probe reports what
    /// there is and fails at nothing.
    fn read_below(root: &Path, arch: &str, cores: usize) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let meminfo = text("proc/meminfo");
        let memory = |key| kib_after(&meminfo, key).unwrap_or(0);
        Self {
            arch: arch.to_owned(),
            cpu_model: cpu_model(&text("proc/device-tree/model"), &text("proc/cpuinfo")),
            cores,
            memory_bytes: memory("MemTotal:"),
            memory_available_bytes: memory("MemAvailable:"),
            render_nodes: names_in(&root.join("dev/dri"), |name| name.starts_with("renderD")),
            nvidia_nodes: names_in(&root.join("dev"), |name| {
                name.starts_with("nvidia") || name.starts_with("nvhost") || name == "nvmap"
            }),
            video_nodes: video_nodes(&root.join("sys/class/video4linux")),
        }
    }

    /// Whether there is a device with which VA-API could decode.
    pub fn has_vaapi_device(&self) -> bool {
        !self.render_nodes.is_empty()
    }

    /// Whether there is a device with which NVDEC could decode.
    pub fn has_nvidia_device(&self) -> bool {
        !self.nvidia_nodes.is_empty()
    }

    /// Whether there is a device with which Video4Linux could decode.
    pub fn has_v4l2_decoder(&self) -> bool {
        self.video_nodes.iter().any(VideoNode::is_decoder)
    }
}

/// Boards say what they are in the device tree; PCs in the first processor's entry.
fn cpu_model(device_tree: &str, cpuinfo: &str) -> String {
    let of_key = |key: &str| {
        cpuinfo.lines().find_map(|line| line.split_once(':').filter(|(k, _)| k.trim() == key)).map(|(_, v)| v.trim())
    };
    let board = device_tree.trim_matches(['\0', '\n', ' ']);
    let model = Some(board).filter(|b| !b.is_empty()).or_else(|| of_key("model name")).or_else(|| of_key("Hardware"));
    model.unwrap_or("unknown").to_owned()
}

fn names_in(dir: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|e| e.file_name().into_string().ok()).filter(|n| wanted(n)).collect();
    names.sort();
    names
}

fn video_nodes(class: &Path) -> Vec<VideoNode> {
    let name_of = |node: &str| fs::read_to_string(class.join(node).join("name")).unwrap_or_default().trim().to_owned();
    names_in(class, |name| name.starts_with("video"))
        .into_iter()
        .map(|node| VideoNode { name: name_of(&node), node })
        .collect()
}

/// The bytes of a line such as `VmRSS:  123 kB`.
fn kib_after(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// What the own process has used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ProcessUsage {
    /// Processor time in user mode, in seconds, of all threads that are or were.
    pub user_s: f64,
    /// Processor time in the kernel, in seconds.
    pub system_s: f64,
    /// Memory in use, in bytes.
    pub resident_bytes: u64,
    /// The most memory that was ever in use, in bytes.
    pub peak_resident_bytes: u64,
    /// Threads that are.
    pub threads: u64,
}

impl ProcessUsage {
    /// Processor time in both modes, in seconds.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

/// What the own process has used until now, from `/proc/self` (proc(5)). Processor time counts in clock ticks,
/// mostly of 10 ms.
pub fn process_usage() -> io::Result<ProcessUsage> {
    let (stat, status) = (fs::read_to_string("/proc/self/stat")?, fs::read_to_string("/proc/self/status")?);
    let unreadable =
        || io::Error::new(io::ErrorKind::InvalidData, "/proc/self/stat has another form than proc(5) states");
    parse_usage(&stat, &status, rustix::param::clock_ticks_per_second() as f64).ok_or_else(unreadable)
}

fn parse_usage(stat: &str, status: &str, ticks_per_s: f64) -> Option<ProcessUsage> {
    // The second field is the program's name in parentheses and may hold spaces and parentheses of its own.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    // Counted from the third field: utime is the 14th and stime the 15th.
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let threads = status.lines().find_map(|l| l.strip_prefix("Threads:"))?.trim().parse().ok()?;
    Some(ProcessUsage {
        user_s: user as f64 / ticks_per_s,
        system_s: system as f64 / ticks_per_s,
        resident_bytes: kib_after(status, "VmRSS:")?,
        peak_resident_bytes: kib_after(status, "VmHWM:")?,
        threads,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_board_and_a_pc_are_read() {
        let board = tempfile::tempdir().unwrap();
        write(board.path(), "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
        write(board.path(), "proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 108.00\n");
        write(board.path(), "proc/meminfo", "MemTotal:        3884452 kB\nMemAvailable:    3000000 kB\n");
        write(board.path(), "sys/class/video4linux/video10/name", "bcm2835-codec-decode\n");
        write(board.path(), "sys/class/video4linux/video11/name", "bcm2835-codec-encode\n");
        write(board.path(), "sys/class/video4linux/video0/name", "HD USB Camera\n");
        let facts = BoxFacts::read_below(board.path(), "aarch64", 4);
        assert_eq!(facts.cpu_model, "Raspberry Pi 4 Model B Rev 1.4");
        assert_eq!(facts.memory_bytes, 3_884_452 * 1024);
        let decoders: Vec<_> = facts.video_nodes.iter().filter(|n| n.is_decoder()).map(|n| n.node.as_str()).collect();
        assert_eq!(decoders, ["video10"]);
        assert!(facts.has_v4l2_decoder() && !facts.has_vaapi_device() && !facts.has_nvidia_device());

        let pc = tempfile::tempdir().unwrap();
        write(pc.path(), "proc/cpuinfo", "processor\t: 0\nmodel name\t: Intel(R) N100\nmodel name\t: other\n");
        write(pc.path(), "dev/dri/card0", "");
        write(pc.path(), "dev/dri/renderD128", "");
        write(pc.path(), "dev/nvidia0", "");
        let facts = BoxFacts::read_below(pc.path(), "x86_64", 4);
        assert_eq!((facts.cpu_model.as_str(), facts.memory_bytes), ("Intel(R) N100", 0));
        assert_eq!(
            (facts.render_nodes, facts.nvidia_nodes),
            (vec!["renderD128".to_owned()], vec!["nvidia0".to_owned()])
        );
    }

    #[test]
    fn this_box_has_processors_and_memory() {
        let facts = BoxFacts::read();
        assert!(facts.cores >= 1 && facts.memory_bytes >= facts.memory_available_bytes);
        assert!(facts.memory_available_bytes > 0 && !facts.cpu_model.is_empty());
    }

    #[test]
    fn usage_survives_odd_program_names() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 98 0 0 0 250 50 0 0 20 0 7 0 228811 3133440 360 1";
        let status = "Name:\tx\nVmHWM:\t    2000 kB\nVmRSS:\t    1500 kB\nThreads:\t7\n";
        let usage = parse_usage(stat, status, 100.0).unwrap();
        assert_eq!((usage.user_s, usage.system_s, usage.threads), (2.5, 0.5, 7));
        assert_eq!((usage.resident_bytes, usage.peak_resident_bytes), (1_536_000, 2_048_000));
        assert_eq!(usage.cpu_s(), 3.0);
        assert!(parse_usage("42 (x) S 1", status, 100.0).is_none());
        assert!(parse_usage("", status, 100.0).is_none());
    }

    #[test]
    fn work_shows_in_the_own_usage() {
        let before = process_usage().unwrap();
        let mut x = 1_u64;
        let mut rounds = 0_u64;
        while process_usage().unwrap().cpu_s() < before.cpu_s() + 0.05 {
            for i in 0..100_000_u64 {
                x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i));
            }
            rounds += 1;
            assert!(rounds < 1_000_000, "processor time does not count up");
        }
        let after = process_usage().unwrap();
        assert!(after.resident_bytes > 0 && after.peak_resident_bytes >= before.resident_bytes);
    }
}
