//! A row of JPEGs as an MP4 file (ISO/IEC 14496-12 and -14): one track, one chunk, no sound.

/// Frames a second.
const RATE: u32 = 30;

/// An object type of ISO/IEC 14496-1: JPEG.
const JPEG: u8 = 0x6C;

const UNITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// A video of frames that all have this width and height.
pub(super) fn video((width, height): (u16, u16), frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = atom(b"ftyp", &[b"isom\0\0\x02\0isomiso2mp41".as_slice()]);
    let start = file.len() as u32 + 8;
    let frames_in_a_row: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    file.extend(atom(b"mdat", &frames_in_a_row));

    let count = frames.len() as u32;
    let sizes: Vec<u32> = frames.iter().map(|frame| frame.len() as u32).collect();
    let table = atom(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&words(&[1]), &entry(width, height)]),
            &full(b"stts", 0, &[&words(&[1, count, 1])]),
            &full(b"stsc", 0, &[&words(&[1, 1, count, 1])]),
            &full(b"stsz", 0, &[&words(&[0, count]), &words(&sizes)]),
            &full(b"stco", 0, &[&words(&[1, start])]),
        ],
    );
    let here = full(b"url ", 1, &[]);
    let data = atom(b"dinf", &[&full(b"dref", 0, &[&words(&[1]), &here])]);
    let information = atom(b"minf", &[&full(b"vmhd", 1, &[&[0; 8]]), &data, &table]);
    let handler = [&words(&[0])[..], b"vide", &[0; 12], b"noise\0"].concat();
    let undetermined_language = [0x55, 0xC4, 0, 0];
    let media = atom(
        b"mdia",
        &[
            &full(
                b"mdhd",
                0,
                &[&words(&[0, 0, RATE, count]), &undetermined_language],
            ),
            &full(b"hdlr", 0, &[&handler]),
            &information,
        ],
    );
    let size = words(&[u32::from(width) << 16, u32::from(height) << 16]);
    let track = atom(
        b"trak",
        &[
            // Enabled, in the movie and in its preview.
            &full(
                b"tkhd",
                7,
                &[
                    &words(&[0, 0, 1, 0, count, 0, 0, 0, 0]),
                    &words(&UNITY),
                    &size,
                ],
            ),
            &media,
        ],
    );
    let movie = full(
        b"mvhd",
        0,
        &[
            &words(&[0, 0, RATE, count, 0x1_0000, 0x0100_0000, 0, 0]),
            &words(&UNITY),
            &words(&[0, 0, 0, 0, 0, 0, 2]),
        ],
    );
    file.extend(atom(b"moov", &[&movie, &track]));
    file
}

/// What frames are: their size, and that they are JPEGs.
fn entry(width: u16, height: u16) -> Vec<u8> {
    let mut entry = vec![0; 6];
    entry.extend(1_u16.to_be_bytes());
    entry.extend([0; 16]);
    entry.extend(width.to_be_bytes());
    entry.extend(height.to_be_bytes());
    // 72 dots an inch, one frame a sample.
    entry.extend(words(&[0x48_0000, 0x48_0000, 0]));
    entry.extend(1_u16.to_be_bytes());
    entry.extend([0; 32]);
    entry.extend(24_u16.to_be_bytes());
    entry.extend(u16::MAX.to_be_bytes());
    // Decoder: type, a visual stream, buffer and rates that are not stated.
    let decoder = descriptor(4, &[&[JPEG, 0x11], &[0; 11]]);
    let stream = descriptor(3, &[&[0, 0, 0], &decoder, &descriptor(6, &[&[2]])]);
    entry.extend(full(b"esds", 0, &[&stream]));
    atom(b"mp4v", &[&entry])
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

fn atom(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = (body.len() as u32 + 8).to_be_bytes();
    [&size[..], name, &body].concat()
}

/// An atom with a version, which is 0, and flags.
fn full(name: &[u8; 4], flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    atom(name, &[&flags.to_be_bytes(), &parts.concat()])
}

/// A descriptor of ISO/IEC 14496-1, shorter than 128 bytes.
fn descriptor(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[tag, body.len() as u8][..], &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Atoms by name and body.
    fn atoms(mut bytes: &[u8]) -> Vec<(String, &[u8])> {
        let mut atoms = Vec::new();
        while !bytes.is_empty() {
            let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            let name = String::from_utf8(bytes[4..8].to_vec()).unwrap();
            atoms.push((name, &bytes[8..size]));
            bytes = &bytes[size..];
        }
        atoms
    }

    #[test]
    fn atoms_fill_the_file_and_frames_are_where_the_table_says() {
        let frames = [b"first".to_vec(), b"and second".to_vec()];
        let file = video((16, 8), &frames);
        let top = atoms(&file);
        let names: Vec<&str> = top.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ftyp", "mdat", "moov"]);
        assert_eq!(top[1].1, b"firstand second");
        let mut inside = top[2].1;
        for name in ["trak", "mdia", "minf", "stbl"] {
            let atoms = atoms(inside);
            inside = atoms.iter().find(|(found, _)| found == name).unwrap().1;
        }
        let tables = atoms(inside);
        let start = u32::from_be_bytes(tables[4].1[8..12].try_into().unwrap()) as usize;
        assert_eq!(&file[start..start + 5], b"first");
        assert_eq!(tables[3].1[12..], words(&[5, 10]));
    }
}
