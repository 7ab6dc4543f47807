//! What the disk itself can do: the same records, appended to a growing file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::report::per_second;

/// One writer, a sync after each record.
pub(crate) fn append_alone(path: &Path, appends: usize, bytes: usize) -> f64 {
    let mut file = growing_file(path);
    let record = vec![b'x'; bytes];
    per_second(appends, || {
        for _ in 0..appends {
            file.write_all(&record).unwrap();
            file.sync_data().unwrap();
        }
    })
}

type Append = (Vec<u8>, oneshot::Sender<()>);

/// Many writers who wait for their own records and share each sync.
pub(crate) fn append_together(
    runtime: &Runtime,
    path: &Path,
    writers: usize,
    appends: usize,
    bytes: usize,
) -> f64 {
    let (sender, receiver) = channel();
    let file = growing_file(path);
    let committer = std::thread::spawn(move || commit_groups(file, &receiver));
    let rate = per_second(writers * appends, || {
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..writers {
                tasks.spawn(append_some(sender.clone(), appends, bytes));
            }
            tasks.join_all().await;
        });
    });
    drop(sender);
    committer.join().unwrap();
    rate
}

async fn append_some(sender: Sender<Append>, appends: usize, bytes: usize) {
    for _ in 0..appends {
        let (done, durable) = oneshot::channel();
        sender.send((vec![b'x'; bytes], done)).unwrap();
        durable.await.unwrap();
    }
}

fn commit_groups(mut file: File, appends: &Receiver<Append>) {
    while let Ok(first) = appends.recv() {
        let group: Vec<Append> = std::iter::once(first).chain(appends.try_iter()).collect();
        let records: Vec<u8> =
            group.iter().flat_map(|(record, _)| record.iter().copied()).collect();
        file.write_all(&records).unwrap();
        file.sync_data().unwrap();
        for (_, done) in group {
            done.send(()).unwrap();
        }
    }
}

fn growing_file(path: &Path) -> File {
    OpenOptions::new().create_new(true).append(true).open(path).unwrap()
}
