//! The endpoint as a file: where the daemon listens, and the key that it asks for.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::access_key::AccessKey;
use super::endpoint::Endpoint;
use super::error::DaemonError;
use super::files::Files;
use crate::private;

/// The endpoint's file is some hundred bytes long.
const ENDPOINT_BYTES_MAX: u64 = 64 * 1024;
/// The bits of a mode that let others than the owner write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Device and number of a file: a copy has others.
type Identity = (u64, u64);

/// An endpoint as it is stored: beside the lock that it belongs to, since a directory that is copied brings the
/// endpoint of the original along, whose daemon may live and answer.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    endpoint: Endpoint,
    #[serde(default)]
    lock: Option<Identity>,
}

impl Files {
    fn endpoint(&self) -> PathBuf {
        self.directory().join("endpoint.json")
    }

    /// Reads the latest endpoint of this directory; a missing or damaged file is none.
    pub(super) fn read_endpoint(&self) -> Option<Endpoint> {
        let stored = self.read_stored()?;
        let is_ours = stored.lock.is_none() || stored.lock == self.lock_identity();
        is_ours.then_some(stored.endpoint)
    }

    /// Reads the latest endpoint, be it of the directory that this one is a copy of.
    pub(super) fn former_endpoint(&self) -> Option<Endpoint> {
        self.read_stored().map(|stored| stored.endpoint)
    }

    fn read_stored(&self) -> Option<Stored> {
        let file = self.open_endpoint().ok()?;
        // A file that others can write may lead our clients to their cloud.
        let is_ours = access_of(&file).is_some_and(|access| access & WRITABLE_BY_OTHERS == 0);
        let mut json = Vec::new();
        file.take(ENDPOINT_BYTES_MAX).read_to_end(&mut json).ok()?;
        is_ours.then(|| serde_json::from_slice(&json).ok())?
    }

    fn open_endpoint(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::open(self.endpoint(), flags, Mode::empty())?.into())
    }

    /// Returns the access key for the daemon that holds this directory. It is the stored key, or a new one if there is none,
    /// if the directory is a copy of another one, or if other users could read the file.
    pub(super) fn access_key(&self) -> Result<AccessKey, DaemonError> {
        let is_private =
            |file: File| access_of(&file).is_some_and(|access| access & 0o777 == 0o600);
        let stored = self.read_stored().filter(|stored| stored.lock == self.lock_identity());
        let former = stored.map(|stored| stored.endpoint.access_key_id);
        match former {
            Some(key) if !key.is_none() && self.open_endpoint().is_ok_and(is_private) => Ok(key),
            _ => AccessKey::random().map_err(DaemonError::NoKey),
        }
    }

    fn lock_identity(&self) -> Option<Identity> {
        let lock = fs::symlink_metadata(self.lock()).ok()?;
        Some((lock.dev(), lock.ino()))
    }

    /// Replaces the endpoint. A reader sees the old one or the new one, never a part.
    pub(super) fn write_endpoint(&self, endpoint: &Endpoint) -> Result<(), DaemonError> {
        let path = self.endpoint();
        let draft = self.directory().join("endpoint.json.new");
        let stored = Stored { endpoint: endpoint.clone(), lock: self.lock_identity() };
        let written = serde_json::to_vec(&stored).map_err(io::Error::other).and_then(|json| {
            // A leftover of a killed daemon is removed, and a planted link is not followed.
            let mut file = private::create_anew(&draft)?;
            file.write_all(&json)?;
            fs::rename(&draft, &path)
        });
        written.map_err(|source| DaemonError::File { doing: "write", path, source })
    }
}

/// Returns the mode of a regular file that belongs to this user; `None` for anything else.
fn access_of(file: &File) -> Option<u32> {
    let metadata = file.metadata().ok()?;
    let is_ours = metadata.is_file() && metadata.uid() == geteuid().as_raw();
    is_ours.then(|| metadata.mode())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint {
            port,
            pid: std::process::id(),
            started_at_ms: 1,
            time_scale: 60.0,
            guests: crate::GuestKind::Light,
            in_background: false,
            version: "0".to_owned(),
            access_key_id: AccessKey::of("LAB1TEST"),
        }
    }

    #[test]
    fn an_endpoint_is_replaced_and_a_damaged_one_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        assert_eq!(files.read_endpoint(), None);
        for port in [1, 2] {
            files.write_endpoint(&endpoint(port)).unwrap();
            assert_eq!(files.read_endpoint(), Some(endpoint(port)));
        }
        fs::write(files.endpoint(), b"{\"port\":1").unwrap();
        assert_eq!(files.read_endpoint(), None);
    }

    #[test]
    fn the_endpoint_of_the_original_is_none_of_the_copy() {
        let parent = tempfile::tempdir().unwrap();
        let files = Files::create(&parent.path().join("one")).unwrap();
        let _hold = files.hold().unwrap();
        files.write_endpoint(&endpoint(1)).unwrap();
        let copy = Files::create(&parent.path().join("two")).unwrap();
        fs::copy(files.lock(), copy.lock()).unwrap();
        fs::copy(files.endpoint(), copy.endpoint()).unwrap();
        assert_eq!(copy.read_endpoint(), None, "its daemon is that of another directory");
        assert_eq!(copy.former_endpoint(), Some(endpoint(1)), "its port may be free");
        let moved = Files::at(&parent.path().join("three"));
        fs::rename(files.directory(), moved.directory()).unwrap();
        assert_eq!(moved.read_endpoint(), Some(endpoint(1)), "its daemon moves along");
    }

    fn with_mode(files: &Files, mode: u32) {
        fs::set_permissions(files.endpoint(), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_endpoint_file_is_private_and_does_not_follow_a_planted_link() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        let elsewhere = directory.path().join("elsewhere");
        fs::write(&elsewhere, "kept").unwrap();
        symlink(&elsewhere, directory.path().join("endpoint.json.new")).unwrap();
        files.write_endpoint(&endpoint(1)).unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "kept");
        let written = fs::symlink_metadata(files.endpoint()).unwrap();
        assert!(written.is_file());
        assert_eq!(written.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_endpoint_file_that_others_can_write_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        files.write_endpoint(&endpoint(1)).unwrap();
        with_mode(&files, 0o620);
        assert_eq!(files.read_endpoint(), None);
        with_mode(&files, 0o600);
        assert_eq!(files.read_endpoint(), Some(endpoint(1)));
        fs::rename(files.endpoint(), directory.path().join("moved")).unwrap();
        symlink(directory.path().join("moved"), files.endpoint()).unwrap();
        assert_eq!(files.read_endpoint(), None, "a link may lead anywhere");
    }

    #[test]
    fn a_directory_keeps_its_key_until_others_could_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        let _hold = files.hold().unwrap();
        let drawn = files.access_key().unwrap();
        assert!(!drawn.is_none());
        files.write_endpoint(&Endpoint { access_key_id: drawn.clone(), ..endpoint(1) }).unwrap();
        assert_eq!(files.access_key().unwrap(), drawn);
        with_mode(&files, 0o640);
        assert_ne!(files.access_key().unwrap(), drawn);
    }

    /// Its endpoint has no key: that of an older version had none.
    #[test]
    fn a_directory_of_an_older_version_gets_a_key() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        let _hold = files.hold().unwrap();
        files
            .write_endpoint(&Endpoint { access_key_id: AccessKey::default(), ..endpoint(1) })
            .unwrap();
        let stored = fs::read_to_string(files.endpoint()).unwrap();
        assert!(!stored.contains("access_key_id"), "{stored}");
        assert_eq!(files.former_endpoint().map(|it| it.port), Some(1));
        assert!(!files.access_key().unwrap().is_none());
    }

    #[test]
    fn a_copy_gets_a_key_of_its_own() {
        let parent = tempfile::tempdir().unwrap();
        let files = Files::create(&parent.path().join("one")).unwrap();
        let _hold = files.hold().unwrap();
        files.write_endpoint(&endpoint(1)).unwrap();
        let copy = Files::create(&parent.path().join("two")).unwrap();
        fs::copy(files.lock(), copy.lock()).unwrap();
        fs::copy(files.endpoint(), copy.endpoint()).unwrap();
        let _hold_too = copy.hold().unwrap();
        assert_eq!(files.access_key().unwrap(), endpoint(1).access_key_id);
        assert_ne!(copy.access_key().unwrap(), endpoint(1).access_key_id);
    }
}
