//! What there is in a folder: data sets, files of other programs, other things.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    DatasetError, Seen, csv,
    error::unreadable,
    foreign::Foreign,
    idx, npz,
    numbers::{MAX_BYTES, sizes, type_name},
    pictures::{self, Folders, name},
    roles::{Part, Split, role},
    source::{self, Kind, Start},
};
use crate::files::arrays::npy::{self, Head};

/// The most files of a folder that are looked at.
const MAX_LOOKED_AT: usize = 1000;
/// The most names of a folder that are read.
const MAX_NAMES: usize = 100_000;
/// The most labels that are read to say what they are.
const MAX_LABELS: u64 = 10_000_000;

/// How a data set is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Format {
    Idx,
    Numpy,
    Csv,
    Pictures,
}

/// A file, or an array in one.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    /// The array of an archive.
    pub(super) array: Option<String>,
    pub(super) split: Option<Split>,
    part: Option<Part>,
    /// How much of a guess the part is.
    rank: u8,
    /// Bytes of its numbers when unpacked, as its header says; 0 if it does not.
    pub(super) bytes: u64,
    /// What it is, in words.
    what: String,
    /// Why it cannot be used.
    pub(super) fault: Option<String>,
}

impl Entry {
    /// Where it is, with the name of the array.
    pub(super) fn shown(&self) -> PathBuf {
        match &self.array {
            Some(array) => format!("{}: {array}", self.path.display()).into(),
            None => self.path.clone(),
        }
    }

    /// Why it cannot be used, if it cannot, and what makes labels of names.
    pub(super) fn why_unusable(&self) -> Option<String> {
        let fault = self.fault.as_deref()?;
        let holds_names = matches!(fault, npy::TEXT | npy::OBJECTS);
        if !holds_names || self.part != Some(Part::Labels) {
            return Some(fault.to_owned());
        }
        let word = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let array = self.array.as_deref().filter(word).unwrap_or("y");
        Some(format!(
            "{fault}, expected a whole number for each class, from 0 on; of names NumPy makes them by \
             np.unique({array}, return_inverse=True)[1]"
        ))
    }

    /// What it is, in words.
    pub(super) fn describe(&self) -> String {
        match &self.fault {
            Some(fault) => format!("{} ({fault})", self.what),
            None => self.what.clone(),
        }
    }
}

/// The parts of a data set.
#[derive(Clone, Debug)]
pub(super) enum Files {
    Entries(Vec<Entry>),
    Folders(Vec<Folders>),
}

/// Files that belong together by their names.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) format: Format,
    pub(super) files: Files,
}

impl Set {
    /// A file that stands for it.
    pub(super) fn file(&self) -> PathBuf {
        match &self.files {
            Files::Entries(entries) => {
                let train = entries.iter().find(|e| e.split == self.train_split());
                let entry = train.or(entries.first());
                entry.map_or_else(PathBuf::new, |entry| entry.path.clone())
            }
            Files::Folders(parts) => match &parts[..] {
                [part] => part.dir.clone(),
                parts => {
                    let parent = parts.first().and_then(|part| part.dir.parent());
                    parent.unwrap_or(Path::new("")).to_owned()
                }
            },
        }
    }

    fn splits(&self) -> Vec<Option<Split>> {
        match &self.files {
            Files::Entries(entries) => entries.iter().map(|entry| entry.split).collect(),
            Files::Folders(parts) => parts.iter().map(|part| part.split).collect(),
        }
    }

    /// Whether it has this part.
    pub(super) fn has(&self, split: Split) -> bool {
        self.splits().contains(&Some(split))
    }

    /// What the training set is called: nothing, if no file is called after it.
    pub(super) fn train_split(&self) -> Option<Split> {
        self.has(Split::Train).then_some(Split::Train)
    }

    /// The part to train on and the part to test on, which is the validation set if there is no other.
    pub(super) fn halves<T>(
        &self,
        parts: impl Iterator<Item = T> + Clone,
        split: impl Fn(&T) -> Option<Split>,
    ) -> (Option<T>, Option<T>) {
        let find = |wanted| parts.clone().find(|part| split(part) == wanted);
        let test = find(Some(Split::Test)).or(find(Some(Split::Valid)));
        (find(self.train_split()), test)
    }

    /// The images or labels of one part. An error if several could be meant.
    pub(super) fn pick(
        &self,
        split: Option<Split>,
        part: Part,
    ) -> Result<Option<&Entry>, DatasetError> {
        let Files::Entries(entries) = &self.files else {
            return Ok(None);
        };
        let wanted = |e: &&Entry| e.split == split && e.part == Some(part) && e.fault.is_none();
        let mut found: Vec<_> = entries.iter().filter(wanted).collect();
        found.sort_by_key(|entry| entry.rank);
        match found[..] {
            [first, second, ..] if first.rank == second.rank => Err(DatasetError::fault(
                first.shown(),
                format!(
                    "these could be the {}{} as well as {}: rename one of them",
                    split.map_or(String::new(), |split| format!("{} ", split.name())),
                    part.name(),
                    second.shown().display()
                ),
            )),
            _ => Ok(found.first().copied()),
        }
    }

    /// Whether there are images with labels to train on.
    pub(super) fn is_complete(&self) -> bool {
        let Files::Entries(entries) = &self.files else {
            return self.splits().contains(&self.train_split());
        };
        let split = self.train_split();
        if self.format == Format::Csv {
            let usable = |entry: &Entry| entry.split == split && entry.fault.is_none();
            return entries.iter().any(usable);
        }
        // What could be several is an error, which says more than that nothing is there.
        [Part::Images, Part::Labels]
            .iter()
            .all(|&part| !matches!(self.pick(split, part), Ok(None)))
    }
}

/// What was found in a folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    pub(super) dir: PathBuf,
    pub(super) sets: Vec<Set>,
    pub(super) foreign: Vec<(PathBuf, Foreign)>,
    /// The names of all other things.
    pub(super) others: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Looks at the files of `dir`, or only at `only` and the files that belong to it.
pub(super) fn scan(dir: &Path, only: Option<&Path>) -> Result<Scan, DatasetError> {
    let mut scan = Scan {
        dir: dir.to_owned(),
        ..Scan::default()
    };
    let mut sets: BTreeMap<(Format, String), Vec<Entry>> = BTreeMap::new();
    for path in files(dir, only)? {
        let Ok(start) = source::start(&path) else {
            scan.others.push(name(&path));
            continue;
        };
        let key = role(&name(&path)).key;
        let kind = source::kind(&path, &start);
        let is_meant = only.is_none_or(|only| same(only, &path));
        let (format, entries) = match kind {
            Kind::Idx => (Format::Idx, vec![idx_entry(&path, &start)]),
            Kind::Npz => (Format::Numpy, npz_entries(&path)),
            Kind::Npy => (Format::Numpy, vec![npy_entry(&path, &start)]),
            Kind::Csv => (Format::Csv, vec![csv_entry(&path, &start)]),
            Kind::Foreign(foreign) => {
                if is_meant {
                    scan.foreign.push((path, foreign));
                }
                continue;
            }
            Kind::Picture | Kind::Other => {
                if is_meant {
                    scan.others.push(name(&path));
                }
                continue;
            }
        };
        sets.entry((format, key)).or_default().extend(entries);
    }
    for ((format, _), mut entries) in sets {
        if only.is_some_and(|only| !entries.iter().any(|entry| same(only, &entry.path))) {
            continue;
        }
        scan.notes.extend(drop_copies(&mut entries));
        scan.sets.push(Set {
            format,
            files: Files::Entries(entries),
        });
    }
    if only.is_none() {
        let parts = pictures::find(dir)?;
        if !parts.is_empty() {
            scan.sets.push(Set {
                format: Format::Pictures,
                files: Files::Folders(parts),
            });
        }
    }
    Ok(scan)
}

fn same(a: &Path, b: &Path) -> bool {
    a.file_name() == b.file_name()
}

/// The files of a folder that are to be looked at, sorted. Other names count as files that are none.
fn files(dir: &Path, only: Option<&Path>) -> Result<Vec<PathBuf>, DatasetError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable(dir))?.take(MAX_NAMES) {
        let file = entry.map_err(unreadable(dir))?.file_name();
        // As the user wrote it: no dot in front.
        let path = match dir == Path::new(".") && only.is_some() {
            true => PathBuf::from(file),
            false => dir.join(file),
        };
        if !name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    if let Some(only) = only {
        let key = role(&name(only)).key;
        paths.retain(|path| role(&name(path)).key == key);
        // Itself in any case.
        paths.sort_by_key(|path| !same(only, path));
    }
    paths.truncate(MAX_LOOKED_AT);
    paths.sort();
    Ok(paths)
}

/// Leaves out packed copies of files that are there unpacked; says which.
fn drop_copies(entries: &mut Vec<Entry>) -> Vec<String> {
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.clone()).collect();
    let mut notes = Vec::new();
    entries.retain(|entry| {
        let is_packed = entry.path.extension().is_some_and(|e| e == "gz");
        let is_copy = is_packed && paths.contains(&entry.path.with_extension(""));
        if is_copy {
            notes.push(format!("{}: a second copy, not used", entry.path.display()));
        }
        !is_copy
    });
    notes
}

/// What an array of this shape is, if the name does not say it.
fn part_of_shape(shape: &[usize]) -> Option<Part> {
    match *shape {
        [_] | [_, 1] => Some(Part::Labels),
        _ if shape.len() >= 2 => Some(Part::Images),
        _ => None,
    }
}

fn idx_entry(path: &Path, start: &Start) -> Entry {
    let role = role(&name(path));
    let length = (!start.packed).then_some(start.length);
    let (what, shape, fault) = match idx::describe(&start.bytes, length) {
        Ok((what, shape)) => (what, Some(shape), None),
        Err(fault) => ("IDX".to_owned(), None, Some(fault)),
    };
    let part = role.part.or(shape.as_deref().and_then(part_of_shape));
    Entry {
        path: path.to_owned(),
        format: Format::Idx,
        array: None,
        split: role.split,
        part,
        rank: 0,
        bytes: idx::bytes(&start.bytes),
        what,
        // The reader says more about it.
        fault: fault.filter(|_| part.is_none()),
    }
}

fn npz_entries(path: &Path) -> Vec<Entry> {
    let of_file = role(&name(path));
    let found = match npz::list_file(path) {
        Ok(found) => found,
        Err(fault) => {
            return vec![Entry {
                path: path.to_owned(),
                format: Format::Numpy,
                array: None,
                split: of_file.split,
                part: None,
                rank: 0,
                bytes: 0,
                what: "NumPy archive".to_owned(),
                fault: Some(fault),
            }];
        }
    };
    let entries = found.into_iter().map(|(array, head)| {
        let of_array = role(&array);
        let shape = head.as_ref().ok().map(|head| &head.shape[..]);
        let strong = of_array.part.filter(|_| !of_array.weak);
        let part = strong.or(of_file.part).or(of_array.part);
        let what = match &head {
            Ok(head) => format!("{array} {} {}", sizes(&head.shape), type_name(head.number)),
            Err(_) => array.clone(),
        };
        Entry {
            path: path.to_owned(),
            format: Format::Numpy,
            split: of_array.split.or(of_file.split),
            part: part.or(shape.and_then(part_of_shape)),
            rank: 2 * u8::from(!of_array.key.is_empty()) + u8::from(of_array.weak),
            bytes: bytes_of(&head),
            what,
            fault: head.err(),
            array: Some(array),
        }
    });
    entries.collect()
}

/// Bytes of the numbers of an array; 0 if its header does not say.
fn bytes_of(head: &Result<Head, String>) -> u64 {
    let bytes = head.as_ref().ok().and_then(Head::bytes);
    bytes.map_or(0, |bytes| bytes as u64).min(MAX_BYTES)
}

fn npy_entry(path: &Path, start: &Start) -> Entry {
    let role = role(&name(path));
    let head = npz::head(&start.bytes);
    let what = match &head {
        Ok(head) => format!(
            "NumPy array: {} {}",
            sizes(&head.shape),
            type_name(head.number)
        ),
        Err(_) => "NumPy array".to_owned(),
    };
    let shape = head
        .as_ref()
        .ok()
        .and_then(|head| part_of_shape(&head.shape));
    Entry {
        path: path.to_owned(),
        format: Format::Numpy,
        array: None,
        split: role.split,
        part: role.part.or(shape),
        rank: u8::from(role.weak),
        bytes: bytes_of(&head),
        what,
        fault: head.err(),
    }
}

fn csv_entry(path: &Path, start: &Start) -> Entry {
    let (what, fault) = match csv::describe(&start.bytes) {
        // The first line goes on.
        _ if !start.bytes.contains(&b'\n') && start.bytes.len() as u64 == source::START => {
            ("CSV".to_owned(), None)
        }
        Ok(what) => (what, None),
        Err(fault) => ("CSV".to_owned(), Some(fault)),
    };
    Entry {
        path: path.to_owned(),
        format: Format::Csv,
        array: None,
        split: role(&name(path)).split,
        part: None,
        rank: 0,
        bytes: 0,
        what,
        fault,
    }
}

impl Scan {
    /// File by file what was found.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for set in &self.sets {
            let usable = set.is_complete();
            match &set.files {
                Files::Folders(parts) => seen.extend(parts.iter().map(|part| Seen {
                    path: part.dir.clone(),
                    what: pictures::describe(part),
                    usable,
                })),
                Files::Entries(entries) => seen.extend(seen_entries(entries, usable)),
            }
        }
        for (path, foreign) in &self.foreign {
            let what = foreign.what();
            let what = match foreign.convert(path) {
                Some(line) => format!("{what}; this line converts it: {line}"),
                None => what.to_owned(),
            };
            seen.push(Seen {
                path: path.clone(),
                what,
                usable: false,
            });
        }
        seen.sort_by(|a, b| a.path.cmp(&b.path));
        seen
    }
}

/// The entries of a data set, those of one archive together.
fn seen_entries(entries: &[Entry], usable: bool) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    for entry in entries {
        let usable = usable && entry.fault.is_none();
        let mut what = entry.describe();
        if entry.format == Format::Idx
            && entry.part == Some(Part::Labels)
            && let Some(words) = label_words(&entry.path)
        {
            what = format!("{what}, {words}");
        }
        match seen.last_mut() {
            Some(last) if last.path == entry.path => {
                last.what = format!("{}, {what}", last.what);
                last.usable |= usable;
            }
            _ => seen.push(Seen {
                path: entry.path.clone(),
                what: match &entry.array {
                    Some(_) => format!("NumPy archive: {what}"),
                    None => what,
                },
                usable,
            }),
        }
    }
    seen
}

/// Which labels there are in a file.
fn label_words(path: &Path) -> Option<String> {
    use std::io::Read;
    let reader = source::open(path).ok()?.take(MAX_LABELS);
    let (numbers, _) = idx::read(reader).ok()?;
    let labels = super::numbers::labels(&numbers, &mut Vec::new(), "").ok()?;
    let (low, high) = (labels.iter().min()?, labels.iter().max()?);
    let guess = match (low, high) {
        (1, 26) => ": EMNIST letters?",
        _ => "",
    };
    Some(format!("labels {low} to {high}{guess}"))
}

/// The folders inside a folder, at most two levels down, that have a data set.
pub(super) fn inside(dir: &Path) -> Vec<PathBuf> {
    /// The most folders that are looked into.
    const MAX_FOLDERS: usize = 50;
    let mut found = Vec::new();
    let mut waiting = vec![(dir.to_owned(), 0)];
    let mut looked_at = 0;
    while let Some((folder, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.take(MAX_LOOKED_AT).flatten().map(|e| e.path()) {
            if name(&path).starts_with('.') || !path.is_dir() || looked_at == MAX_FOLDERS {
                continue;
            }
            looked_at += 1;
            let has = scan(&path, None).is_ok_and(|scan| scan.sets.iter().any(Set::is_complete));
            match has {
                true => found.push(path),
                false if depth == 0 => waiting.push((path, 1)),
                false => {}
            }
        }
    }
    found.sort();
    found
}
