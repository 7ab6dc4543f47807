use std::fs::Permissions;
use std::os::unix::fs::symlink;

use super::*;

fn fault<T: std::fmt::Debug>(refused: io::Result<T>) -> Fault {
    match refused {
        Err(error) => error.downcast::<Unfit>().unwrap().fault,
        Ok(opened) => panic!("{opened:?}"),
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn no_way_to_open_a_file_follows_a_link_or_waits_for_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("file"), "kept").unwrap();
    symlink(at("file"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), fifo, mode, 0).unwrap();
    fs::create_dir(at("folder")).unwrap();
    let pipe = Fault::Kind { found: "a named pipe", wanted: "file" };
    let folder = Fault::Kind { found: "a folder", wanted: "file" };
    for way in [open, open_or_create, open_to_append] {
        way(&at("file")).unwrap();
        for link in ["link", "dangling"] {
            assert_eq!(fault(way(&at(link))), Fault::Link);
        }
        assert_eq!(fault(way(&at("pipe"))), pipe);
        assert_eq!(fault(way(&at("folder"))), folder);
    }
    assert!(!at("nowhere").exists(), "nothing was made at the end of a link");
    let device = Fault::Kind { found: "a device", wanted: "file" };
    assert_eq!(fault(open(Path::new("/dev/zero"))), device);
    drop(create_anew(&at("link")).unwrap());
    assert_eq!(fs::read(at("file")).unwrap(), b"kept");
}

#[test]
fn a_file_with_a_second_name_is_read_and_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let (file, other) = (dir.path().join("file"), dir.path().join("other"));
    fs::write(&file, "kept").unwrap();
    fs::hard_link(&file, &other).unwrap();
    open(&file).unwrap();
    for way in [open_or_create, open_to_append] {
        assert_eq!(fault(way(&file)), Fault::Shared { names: 2 });
    }
    drop(create_anew(&file).unwrap());
    assert_eq!(fs::read(&other).unwrap(), b"kept");
}

#[test]
fn a_file_is_read_up_to_its_limit_whatever_length_it_tells() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "12345").unwrap();
    assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
    assert_eq!(fault(read_at_most(&path, 4)), Fault::Large { bytes_max: 4 });
    // It takes no room on the disk, and would take all memory.
    File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(fault(read_at_most(&path, 4)), Fault::Large { bytes_max: 4 });
    // It tells no length at all.
    assert!(!read_at_most(Path::new("/proc/self/status"), 1 << 16).unwrap().is_empty());
}

#[test]
fn a_state_directory_is_ours_and_private_and_may_be_named_by_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    check_state_dir(&state).unwrap();
    fs::create_dir(&state).unwrap();
    for private in [0o700, 0o755, 0o750] {
        set_mode(&state, private);
        check_state_dir(&state).unwrap();
    }
    for mode in [0o777, 0o775, 0o702, 0o1777] {
        set_mode(&state, mode);
        assert_eq!(fault(check_state_dir(&state)), Fault::Writable { mode });
        assert_eq!(fault(check_folder(&state)), Fault::Writable { mode });
    }
    set_mode(&state, 0o700);
    let link = dir.path().join("link");
    symlink(&state, &link).unwrap();
    check_state_dir(&link).unwrap();
    assert_eq!(fault(check_folder(&link)), Fault::Link, "inside no link is followed");
    fs::write(dir.path().join("file"), "").unwrap();
    let file = Fault::Kind { found: "a file", wanted: "folder" };
    assert_eq!(fault(check_state_dir(&dir.path().join("file"))), file);
}

#[test]
fn a_folder_above_that_lets_everybody_rename_what_is_in_it_guards_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let above = dir.path().join("above");
    let state = above.join("deep/state");
    fs::create_dir_all(&state).unwrap();
    let link = dir.path().join("link");
    symlink(&state, &link).unwrap();
    set_mode(&above, 0o777);
    for way in [&state, &link, &above.join("not/there/yet")] {
        let refused = check_state_dir(way).unwrap_err().downcast::<Unfit>().unwrap();
        assert_eq!(refused.path.canonicalize().unwrap(), above.canonicalize().unwrap());
        assert_eq!(refused.fault, Fault::Unguarded { mode: 0o777 });
    }
    // As /tmp is.
    set_mode(&above, 0o1777);
    check_state_dir(&state).unwrap();
}

#[test]
fn what_belongs_to_somebody_else_is_refused_also_by_root() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    fs::create_dir(&state).unwrap();
    let ours = geteuid().as_raw();
    // Without root nothing can be given away; then the root directory is somebody else's.
    let state = match std::os::unix::fs::chown(&state, Some(ours + 1), None) {
        Ok(()) => state,
        Err(_) => PathBuf::from("/"),
    };
    assert!(matches!(fault(check_state_dir(&state)), Fault::Foreign { .. }));
    assert!(matches!(fault(check_folder(&state)), Fault::Foreign { .. }));
    let link = dir.path().join("link");
    symlink(dir.path(), &link).unwrap();
    if std::os::unix::fs::lchown(&link, Some(ours + 1), None).is_ok() {
        assert!(matches!(fault(check_state_dir(&link)), Fault::Foreign { .. }), "its link");
    }
}
