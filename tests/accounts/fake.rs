//! What AWS answers to somebody who looks for credentials, and a cloud that says who signed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The account that everybody belongs to at first.
pub(crate) const ACCOUNT: &str = "123456789012";

const EXPIRES: &str = "2099-01-01T00:00:00Z";

/// Who signed a call, and for which region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) key: String,
    pub(crate) region: String,
}

/// A server on every local address; it ends with the test's process.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) port: u16,
    signed: Arc<Mutex<Vec<Signed>>>,
    account: Arc<Mutex<String>>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (signed, account) = (Arc::default(), Arc::new(Mutex::new(ACCOUNT.to_owned())));
        let fake = Self { port, signed: Arc::clone(&signed), account: Arc::clone(&account) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (signed, account) = (Arc::clone(&signed), Arc::clone(&account));
                // A caller who hangs up is none of our business.
                std::thread::spawn(move || serve(&stream, &signed, &account.lock().unwrap()));
            }
        });
        fake
    }

    /// Who has signed calls to the cloud so far.
    pub(crate) fn signed(&self) -> Vec<Signed> {
        self.signed.lock().unwrap().clone()
    }

    /// Lets everybody belong to another account from now on.
    pub(crate) fn become_account(&self, account: &str) {
        account.clone_into(&mut self.account.lock().unwrap());
    }
}

struct Request {
    line: String,
    authorization: String,
    body: String,
}

impl Request {
    fn read(stream: &TcpStream) -> std::io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let (mut authorization, mut length) = (String::new(), 0);
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "authorization" => value.trim().clone_into(&mut authorization),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Self { line, authorization, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`.
    fn signed(&self) -> Option<Signed> {
        let (_, scope) = self.authorization.split_once("Credential=")?;
        let mut parts = scope.split('/');
        let (key, region) = (parts.next()?.to_owned(), parts.nth(1)?.to_owned());
        Some(Signed { key, region })
    }
}

fn serve(mut stream: &TcpStream, signed: &Mutex<Vec<Signed>>, account: &str) -> Option<()> {
    let request = Request::read(stream).ok()?;
    let (status, body) = answer(&request, signed, account);
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()
}

fn answer(request: &Request, signed: &Mutex<Vec<Signed>>, account: &str) -> (u16, String) {
    let path = request.line.split(' ').nth(1).unwrap_or_default();
    for action in ["AssumeRoleWithWebIdentity", "AssumeRole"] {
        if request.body.starts_with(&format!("Action={action}&")) {
            return (200, assumed(action));
        }
    }
    match path {
        "/latest/api/token" => return (200, "the-token".to_owned()),
        "/latest/meta-data/placement/region" => return (200, "ap-south-1".to_owned()),
        "/latest/meta-data/iam/security-credentials/" => return (200, "role".to_owned()),
        "/latest/meta-data/iam/security-credentials/role" => return (200, keys("ASIAINSTANCE")),
        "/container" => return (200, keys("ASIACONTAINER")),
        _ if path.starts_with("/federation/credentials") => return (200, signed_on()),
        _ if path.starts_with("/latest/") => return (404, String::new()),
        _ => {}
    }
    signed.lock().unwrap().extend(request.signed());
    if request.body.starts_with("Action=GetCallerIdentity&") {
        return (200, identity(account));
    }
    (403, denied(&request.body))
}

/// The refusal in the envelope of the service: EC2 has one of its own.
fn denied(form: &str) -> String {
    let error = |code| format!("<Error><Code>{code}</Code><Message>a fake</Message></Error>");
    if form.contains("Version=2016-11-15") {
        let error = error("UnauthorizedOperation");
        return format!("<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>");
    }
    let error = error("AccessDenied");
    format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>")
}

fn keys(key: &str) -> String {
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-01-01T00:00:00Z","AccessKeyId":"{key}","SecretAccessKey":"the-secret","Token":"the-token","Expiration":"{EXPIRES}"}}"#
    )
}

fn signed_on() -> String {
    r#"{"roleCredentials":{"accessKeyId":"ASIASIGNEDON","secretAccessKey":"the-secret","sessionToken":"the-token","expiration":4070908800000}}"#.to_owned()
}

fn assumed(action: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/lab/x</Arn>\
         <AssumedRoleId>AROAX:x</AssumedRoleId></AssumedRoleUser><Credentials>\
         <AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>the-secret</SecretAccessKey>\
         <SessionToken>the-token</SessionToken><Expiration>{EXPIRES}</Expiration></Credentials>\
         </{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
    )
}

fn identity(account: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/someone</Arn><UserId>AIDAX</UserId>\
         <Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId>\
         </ResponseMetadata></GetCallerIdentityResponse>"
    )
}
