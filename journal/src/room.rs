//! How much a record holds.

/// The greatest size of the payloads of one batch. Entries hold names and ids, not files; a larger batch is a
/// mistake that should not fill the disk.
pub(crate) const BATCH_BYTES_MAX: usize = 16 << 20;

/// How deep a payload may nest: a JSON reader refuses more than 127, so as not to exhaust its stack.
pub(crate) const DEPTH_MAX: usize = 100;

/// What a record has around one value: names, a token, the objects that hold it.
const AROUND_BYTES_MAX: usize = 16 << 10;
const AROUND_DEPTH_MAX: usize = 4;

/// Says why a value has no room in a record, as an input, an output or a configuration; `None` when it has.
///
/// It may have 16 MiB less 16 KiB as JSON, and nest 96 deep.
pub fn unstorable(value: &serde_json::Value) -> Option<String> {
    let limits = (BATCH_BYTES_MAX - AROUND_BYTES_MAX, DEPTH_MAX - AROUND_DEPTH_MAX);
    match serde_json::to_vec(value) {
        Ok(json) => excess(&json, limits),
        Err(error) => Some(error.to_string()),
    }
}

/// Says by what this JSON goes beyond so many bytes and so deep.
pub(crate) fn excess(json: &[u8], (bytes_max, depth_max): (usize, usize)) -> Option<String> {
    let (bytes, depth) = (json.len(), depth(json));
    if bytes > bytes_max {
        Some(format!("it has {bytes} bytes, and {bytes_max} are allowed"))
    } else if depth > depth_max {
        Some(format!("it nests {depth} deep, and {depth_max} are allowed"))
    } else {
        None
    }
}

/// How deep arrays and objects nest in this JSON.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
