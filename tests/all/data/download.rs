//! Downloads from a server on the loopback interface: only whole, official files ever appear.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mlp::data::{
    FileKind,
    download::{DownloadError, Event, Options, fetch_missing},
};

use crate::support::{
    http_server::{Reply, serve},
    mnist_files::{gzip, labels, names_in, official_archive},
};

const LABELS: &str = "t10k-labels-idx1-ubyte.gz";

/// A folder that lacks nothing but the smallest file.
fn lacking_test_labels() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for kind in FileKind::ALL {
        if kind != FileKind::TestLabels {
            fs::write(folder.path().join(kind.name()), "not looked into").unwrap();
        }
    }
    folder
}

/// The official archive whose name the path ends with.
fn good(path: &str) -> Reply {
    let kind = FileKind::ALL
        .into_iter()
        .find(|k| path == format!("/mnist/{}", k.archive_name()));
    kind.map_or(Reply::Page(404), |kind| Reply::Body(official_archive(kind)))
}

fn options(mirrors: &[String]) -> Options {
    Options {
        mirrors: mirrors.to_vec(),
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_millis(300),
        slow_after: Duration::from_secs(10),
        slowest: 1,
    }
}

/// Fetches the test labels; returns the reasons of the mirrors that failed.
fn fetch(dir: &Path, mirrors: &[String]) -> (Vec<String>, Result<(), DownloadError>) {
    let mut failed = Vec::new();
    let result = fetch_missing(dir, &options(mirrors), |event| {
        if let Event::MirrorFailed(attempt) = event {
            failed.push(attempt.to_string());
        }
        ControlFlow::Continue(())
    });
    (failed, result.map(drop))
}

/// A mirror that fails in this way is named with the reason, and the next one delivers.
#[track_caller]
fn assert_next_mirror_delivers(bad: impl Fn(&str) -> Reply + Send + Sync + 'static, why: &str) {
    let folder = lacking_test_labels();
    let mirrors = [serve(bad), serve(good)];
    let (failed, result) = fetch(folder.path(), &mirrors);
    result.unwrap();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].starts_with(&mirrors[0]), "{failed:?}");
    assert!(failed[0].contains(why), "{failed:?} lacks {why:?}");
    let bytes = fs::read(folder.path().join(LABELS)).unwrap();
    assert_eq!(bytes, official_archive(FileKind::TestLabels));
    assert_eq!(
        names_in(folder.path()).len(),
        4,
        "{:?}",
        names_in(folder.path())
    );
}

#[test]
fn all_four_files_arrive_and_load_in_a_folder_that_did_not_exist() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("new/data");
    let (mut most, mut saved) = (0, 0);
    let mirror = serve(good);
    let paths = fetch_missing(&dir, &options(&[mirror]), |event| {
        match event {
            Event::Received { bytes } => most = most.max(bytes),
            Event::Saved { .. } => saved += 1,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!((paths.unwrap().len(), saved), (4, 4));
    assert_eq!(
        most, 9_912_422,
        "progress reaches the size of the largest file"
    );
    assert!(mlp::data::load(&dir).unwrap().official);
}

#[test]
fn what_is_there_is_not_asked_for_again_and_not_replaced() {
    let folder = lacking_test_labels();
    fs::write(folder.path().join("t10k-labels.idx1-ubyte"), "mine").unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mirror = serve(move |path| {
        counter.fetch_add(1, Ordering::Relaxed);
        good(path)
    });
    fetch(folder.path(), &[mirror]).1.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(
        fs::read(folder.path().join("t10k-labels.idx1-ubyte")).unwrap(),
        b"mine"
    );
}

#[test]
fn a_file_with_another_checksum_is_refused() {
    let mut other = official_archive(FileKind::TestLabels);
    other[4] ^= 1; // the time in the gzip header: same size, same content
    assert_next_mirror_delivers(
        move |_| Reply::Body(other.clone()),
        "serves a different file: SHA-256",
    );
}

#[test]
fn another_data_set_of_the_same_shape_is_refused() {
    let other = gzip(&labels(FileKind::TestLabels), 9);
    assert_next_mirror_delivers(move |_| Reply::Body(other.clone()), "ends at byte");
}

#[test]
fn an_error_page_is_refused_with_its_status() {
    assert_next_mirror_delivers(|_| Reply::Page(403), "HTTP status 403");
}

#[test]
fn a_page_in_the_place_of_the_file_is_refused() {
    assert_next_mirror_delivers(|_| Reply::Page(200), "serves an HTML or XML page");
}

#[test]
fn a_body_shorter_than_promised_is_refused() {
    let half = official_archive(FileKind::TestLabels)[..2000].to_vec();
    assert_next_mirror_delivers(
        move |_| Reply::Short(half.clone(), 2542),
        "broke off after 2000 of 4542 bytes",
    );
}

#[test]
fn a_connection_closed_without_an_answer_is_survived() {
    assert_next_mirror_delivers(|_| Reply::Drop, "t10k-labels-idx1-ubyte.gz: ");
}

#[test]
fn a_mirror_that_nobody_runs_is_survived() {
    let folder = lacking_test_labels();
    let mirrors = ["http://127.0.0.1:1/mnist".to_owned(), serve(good)];
    let (failed, result) = fetch(folder.path(), &mirrors);
    result.unwrap();
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn a_stalled_mirror_is_left_after_the_stall_time() {
    let start = Instant::now();
    assert_next_mirror_delivers(|_| Reply::Stall, "broke off after 4 of 4542 bytes");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_mirror_that_drips_is_left_although_it_never_stalls() {
    let folder = lacking_test_labels();
    let mirrors = [serve(|_| Reply::Drip), serve(good)];
    let options = Options {
        slow_after: Duration::from_millis(500),
        slowest: 1_000_000,
        ..options(&mirrors)
    };
    let mut failed = Vec::new();
    let result = fetch_missing(folder.path(), &options, |event| {
        if let Event::MirrorFailed(attempt) = event {
            failed.push(attempt.to_string());
        }
        ControlFlow::Continue(())
    });
    result.unwrap();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("too slow: "), "{failed:?}");
}

#[test]
fn a_body_without_end_is_cut() {
    assert_next_mirror_delivers(|_| Reply::Endless, "more than the 4542 bytes");
}

#[test]
fn a_redirect_is_followed_and_a_circle_is_left() {
    let folder = lacking_test_labels();
    let target = serve(good);
    let mirror = serve(move |_| Reply::Redirect(format!("{target}/{LABELS}")));
    let (failed, result) = fetch(folder.path(), &[mirror]);
    result.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert_next_mirror_delivers(|path| Reply::Redirect(path.to_owned()), "redirect");
}

#[test]
fn when_all_mirrors_fail_the_error_names_each() {
    let folder = lacking_test_labels();
    let mirrors = [serve(|_| Reply::Page(403)), serve(|_| Reply::Page(200))];
    let (failed, result) = fetch(folder.path(), &mirrors);
    let error = result.unwrap_err().to_string();
    assert_eq!(failed.len(), 2);
    for expected in [
        &format!("{LABELS}: no mirror delivered it"),
        &format!("{}/{LABELS}: HTTP status 403", mirrors[0]),
        &format!("{}/{LABELS}: serves an HTML", mirrors[1]),
    ] {
        assert!(error.contains(expected), "{error}\nlacks {expected}");
    }
    assert_eq!(names_in(folder.path()).len(), 3, "nothing was left behind");
}

#[test]
fn the_observer_stops_a_download_at_once_even_when_nothing_arrives() {
    let folder = lacking_test_labels();
    let mut options = options(&[serve(|_| Reply::Stall)]);
    options.stall_timeout = Duration::from_secs(30);
    let start = Instant::now();
    let result = fetch_missing(folder.path(), &options, |event| match event {
        Event::Received { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(matches!(
        result,
        Err(DownloadError::Stopped { name }) if name == FileKind::TestLabels.archive_name()
    ));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(names_in(folder.path()).len(), 3);
}
