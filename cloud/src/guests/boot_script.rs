//! What a boot script would bring up, read from the user data that an instance was given.
//!
//! A boot script changes a whole machine, so it is read here and never run. Understood is the shape
//! that such scripts commonly have: files written from here-documents, and one systemd unit among them
//! that starts `waitress-serve` on an application. What does not fit is named, and nothing starts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The program that the unit must start.
const SERVER: &str = "waitress-serve";

/// An application, ready to be written to a folder and started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Application {
    /// Its files, by name.
    pub(super) files: Vec<(String, String)>,
    /// What to serve, as `module:attribute`.
    pub(super) entry: String,
    /// The port on the instance.
    pub(super) port: u16,
    /// The variables that its unit gives it.
    pub(super) environment: Vec<(String, String)>,
}

impl Application {
    /// Reads user data in base64, for the instance with this id. The error says what is not understood.
    pub(super) fn read(user_data: &str, instance_id: &str) -> Result<Self, String> {
        let script = STANDARD.decode(user_data).ok().and_then(|it| String::from_utf8(it).ok());
        let script = script.ok_or("the user data is not text in base64")?;
        if !script.starts_with("#!") {
            return Err("the user data is not a script: it does not begin with #!".to_owned());
        }
        let files = here_documents(&script)?;
        let mut units = files.iter().filter(|(name, _)| has_extension(name, "service"));
        let (_, unit) = units.next().ok_or("the user data writes no systemd unit")?;
        if units.next().is_some() {
            return Err("the user data writes more than one systemd unit".to_owned());
        }
        let (entry, port) = command_of(unit)?;
        let environment = environment_of(unit, &script, instance_id)?;
        let module = entry.split([':', '.']).next().unwrap_or_default();
        let files: Vec<_> =
            files.iter().filter(|(name, _)| !has_extension(name, "service")).cloned().collect();
        if !files.iter().any(|(name, _)| name.strip_suffix(".py") == Some(module)) {
            return Err(format!(
                "the unit serves {entry}, and the user data writes no {module}.py"
            ));
        }
        Ok(Self { files, entry, port, environment })
    }
}

/// What a boot script tells of its application to somebody who does not run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) port: u16,
    /// The paths that stand in quotes in its Python files; `*` and `?` mean what they mean in a pattern.
    pub(crate) paths: Vec<String>,
}

impl Outline {
    /// Reads user data in base64; `None` where it is not understood, or names no path.
    pub(crate) fn read(user_data: &str) -> Option<Self> {
        let application = Application::read(user_data, "").ok()?;
        let modules = application.files.iter().filter(|(name, _)| has_extension(name, "py"));
        let mut paths: Vec<String> = modules.flat_map(|(_, text)| quoted_paths(text)).collect();
        paths.sort();
        paths.dedup();
        (!paths.is_empty()).then_some(Self { port: application.port, paths })
    }
}

/// Lists what stands in quotes on one line, begins like a path, and is no template of a framework.
fn quoted_paths(text: &str) -> impl Iterator<Item = String> {
    let quoted = text.lines().flat_map(|line| ['"', '\''].map(|quote| (line, quote)));
    quoted
        .flat_map(|(line, quote)| line.split(quote).skip(1).step_by(2))
        .filter(|text| text.starts_with('/') && !text.contains(['<', '{', ' ']))
        .map(str::to_owned)
}

/// Lists the files that a script writes by `cat >PATH <<'WORD'`, by the last part of their paths.
fn here_documents(script: &str) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    let mut lines = script.lines();
    while let Some(line) = lines.next() {
        let Some((command, word)) = line.split_once("<<'") else { continue };
        let Some(path) = command.trim().strip_prefix("cat >") else { continue };
        let word = word.trim_end().strip_suffix('\'').ok_or("a here-document has no end word")?;
        let name = last_part(path);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(format!("the user data writes to {path}, which is not a plain file name"));
        }
        let mut content = String::new();
        loop {
            let line = lines.next().ok_or_else(|| format!("a here-document lacks its {word}"))?;
            if line == word {
                break;
            }
            content.push_str(line);
            content.push('\n');
        }
        files.push((name.to_owned(), content));
    }
    Ok(files)
}

/// Reads from a unit what it serves and on which port.
fn command_of(unit: &str) -> Result<(String, u16), String> {
    let command = setting(unit, "ExecStart").ok_or("the systemd unit starts nothing")?;
    let mut words = command.split_whitespace();
    let program = words.next().map(last_part).unwrap_or_default();
    if program != SERVER {
        return Err(format!("the systemd unit starts {program}; understood is {SERVER}"));
    }
    let (mut entry, mut port) = (None, None);
    for word in words {
        if let Some(address) = word.strip_prefix("--listen=") {
            port = address.rsplit(':').next().and_then(|port| port.parse().ok());
        } else if is_entry(word) {
            entry = Some(word.to_owned());
        } else {
            return Err(format!("the systemd unit gives {SERVER} {word}, which is not understood"));
        }
    }
    let entry = entry.ok_or_else(|| format!("the systemd unit gives {SERVER} no application"))?;
    let port =
        port.ok_or_else(|| format!("the systemd unit gives {SERVER} no --listen=ADDRESS:PORT"))?;
    Ok((entry, port))
}

/// Tells whether a word is `module:attribute`.
fn is_entry(word: &str) -> bool {
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    word.split_once(':')
        .is_some_and(|(module, attribute)| module.split('.').all(is_name) && is_name(attribute))
}

/// Reads the variables of a unit: its own, and those that the script echoes into its environment file.
fn environment_of(unit: &str, script: &str, id: &str) -> Result<Vec<(String, String)>, String> {
    let split =
        |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let own = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
    let mut variables: Vec<_> = own.filter_map(|text| split(text.trim_matches('"'))).collect();
    let Some(file) = setting(unit, "EnvironmentFile").map(last_part) else { return Ok(variables) };
    let echoed = script.lines().filter_map(|line| {
        let (text, path) = line.trim().strip_prefix("echo ")?.rsplit_once('>')?;
        (last_part(path) == file).then(|| text.trim().trim_matches('"'))
    });
    let echoed: Vec<_> = echoed.filter_map(split).collect();
    if echoed.is_empty() {
        return Err(format!("the unit reads {file}, and the user data echoes no variable into it"));
    }
    // All that a boot script learns from its surroundings here is the id of its instance.
    variables.extend(echoed.into_iter().map(|(name, value)| {
        let value = if value.starts_with('$') { id.to_owned() } else { value };
        (name, value)
    }));
    Ok(variables)
}

/// Finds the value of a setting of a unit.
fn setting<'a>(unit: &'a str, name: &str) -> Option<&'a str> {
    unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::trim)
}

/// Takes the last part of a path, without the quotes of a shell around it.
fn last_part(path: &str) -> &str {
    let path = path.trim().trim_matches('"');
    path.rsplit('/').next().unwrap_or(path)
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "#!/bin/bash
home=/srv/web
echo \"ID=$instance_id\" >\"$home/web.env\"
cat >\"$home/web.py\" <<'END'
app = 1
END
cat >/etc/systemd/system/web.service <<'END_OF_UNIT'
[Service]
Environment=MODE=plain
EnvironmentFile=/srv/web/web.env
ExecStart=/srv/web/venv/bin/waitress-serve --listen=0.0.0.0:8080 web:app
END_OF_UNIT
systemctl enable --now web.service
";

    fn read(script: &str) -> Result<Application, String> {
        Application::read(&STANDARD.encode(script), "i-1")
    }

    #[test]
    fn files_entry_port_and_environment_are_read_from_the_script() {
        let application = read(SCRIPT).unwrap();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            application,
            Application {
                files: vec![(text("web.py"), text("app = 1\n"))],
                entry: text("web:app"),
                port: 8080,
                environment: vec![(text("MODE"), text("plain")), (text("ID"), text("i-1"))],
            }
        );
    }

    #[test]
    fn port_and_paths_can_be_told_without_running_it() {
        let outline = |module: &str| {
            let script = SCRIPT.replace("app = 1", module);
            Outline::read(&STANDARD.encode(script))
        };
        let module =
            "HEALTH = ['/up']\nROUTES = [\"/blue*\", '/green']\n@app.get(\"/<path:rest>\")";
        let paths = ["/blue*", "/green", "/up"].map(str::to_owned).to_vec();
        assert_eq!(outline(module), Some(Outline { port: 8080, paths }));
        assert_eq!(outline("app = 1"), None, "no path is named");
        assert_eq!(Outline::read(&STANDARD.encode("#!/bin/sh")), None);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let without = |part: &str| SCRIPT.replace(part, "");
        let with = |part: &str, other: &str| SCRIPT.replace(part, other);
        for (script, reason) in [
            (SCRIPT[1..].to_owned(), "does not begin with #!"),
            (with("web.service <<", "web.txt <<"), "no systemd unit"),
            (with("web.py\" <<", "b.service\" <<"), "more than one systemd unit"),
            (with("web.py\" <<", "other.py\" <<"), "no web.py"),
            (with("web.py\" <<", "..\" <<"), "not a plain file name"),
            (without("END_OF_UNIT\nsystemctl"), "lacks its END_OF_UNIT"),
            (without("ExecStart"), "starts nothing"),
            (with("waitress-serve", "gunicorn"), "starts gunicorn"),
            (with("--listen", "--threads=2 --listen"), "--threads=2"),
            (without("--listen=0.0.0.0:8080"), "no --listen"),
            (without(" web:app"), "no application"),
            (without("echo \"ID"), "echoes no variable"),
        ] {
            let error = read(&script).unwrap_err();
            assert!(error.contains(reason), "{error} should contain {reason}");
        }
        let error = Application::read("no base64!", "i-1").unwrap_err();
        assert!(error.contains("base64"), "{error}");
    }
}
