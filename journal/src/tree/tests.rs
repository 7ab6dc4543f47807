use std::os::unix::fs::symlink;

use super::*;

/// A folder with a file, and in it another folder with a file.
fn tree(at: &Path) -> PathBuf {
    let top = at.join("top");
    files::create_dirs(&top.join("inner")).unwrap();
    fs::write(top.join("one"), "1").unwrap();
    fs::write(top.join("inner/two"), "2").unwrap();
    top
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn fault<T: std::fmt::Debug>(refused: Result<T, JournalError>) -> Fault {
    match refused {
        Err(JournalError::Unfit(unfit)) => unfit.fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_that_is_in_a_folder_becomes_private() {
    let dir = tempfile::tempdir().unwrap();
    let top = tree(dir.path());
    for (path, open) in [("", 0o775), ("one", 0o644), ("inner", 0o755), ("inner/two", 0o640)] {
        fs::set_permissions(top.join(path), Permissions::from_mode(open)).unwrap();
    }
    make_private(&top).unwrap();
    let modes = ["", "one", "inner", "inner/two"].map(|path| mode(&top.join(path)));
    assert_eq!(modes, [0o700, 0o600, 0o700, 0o600]);
}

#[test]
fn no_walk_leaves_its_folder_through_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("script"), "#!/bin/sh").unwrap();
    fs::set_permissions(outside.join("script"), Permissions::from_mode(0o755)).unwrap();
    for (name, target) in [("folder", &outside), ("file", &outside.join("script"))] {
        let top = tree(&dir.path().join(name));
        symlink(target, top.join("inner/link")).unwrap();
        assert_eq!(fault(make_private(&top)), Fault::Link);
        assert_eq!(fault(digest(&top)), Fault::Link);
        assert_eq!(fault(sync(&top)), Fault::Link);
        assert_eq!(fault(copy(&top, &dir.path().join(format!("copy of {name}")))), Fault::Link);
    }
    assert_eq!(mode(&outside.join("script")), 0o755, "it was not touched");
    symlink(&outside, dir.path().join("link")).unwrap();
    assert_eq!(fault(make_private(&dir.path().join("link"))), Fault::Link);
}

#[test]
fn what_is_neither_file_nor_folder_is_refused_without_waiting_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let top = tree(dir.path());
    let pipe = top.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert_eq!(fault(digest(&top)), Fault::Kind { found: "a named pipe", wanted: "file" });
    fs::remove_file(&pipe).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&pipe).unwrap();
    assert_eq!(fault(digest(&top)), Fault::Kind { found: "a socket", wanted: "file" });
}

#[test]
fn a_file_with_a_second_name_elsewhere_is_not_made_private_and_folders_have_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let top = tree(dir.path());
    fs::hard_link(top.join("one"), dir.path().join("backup")).unwrap();
    assert_eq!(fault(make_private(&top)), Fault::Shared { names: 2 });
    digest(&top).unwrap();
    let deep = (0..DEPTH_MAX).fold(top.join("inner"), |path, _| path.join("deeper"));
    fs::create_dir_all(deep).unwrap();
    assert_eq!(fault(digest(&top)), Fault::Deep);
}

#[test]
fn a_copy_has_the_digest_of_its_original_until_a_name_or_a_byte_differs() {
    let dir = tempfile::tempdir().unwrap();
    let (top, copied) = (tree(dir.path()), dir.path().join("copy"));
    copy(&top, &copied).unwrap();
    assert_eq!(fs::read(copied.join("inner/two")).unwrap(), b"2");
    let digested = || digest(&copied).unwrap();
    let original = digest(&top).unwrap();
    assert_eq!(digested(), original);
    fs::write(copied.join("inner/two"), "3").unwrap();
    assert_ne!(digested(), original);
    fs::write(copied.join("inner/two"), "2").unwrap();
    fs::rename(copied.join("one"), copied.join("uno")).unwrap();
    assert_ne!(digested(), original);
}

#[test]
fn what_is_gone_needs_no_removal_and_what_cannot_be_removed_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let top = tree(dir.path());
    assert!(remove(&top.join("one")).is_err(), "it is a file");
    remove(&top).unwrap();
    assert!(!top.exists());
    remove(&top).unwrap();
}
