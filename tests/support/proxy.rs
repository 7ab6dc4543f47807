//! A proxy in front of a cloud: it counts the calls, and does harm where a test asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::patience::wait_for;

/// A body larger than any that the program sends.
const BODY_BYTES_MAX: usize = 1 << 20;

/// One call of the AWS API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) action: String,
}

impl Call {
    /// Tells whether the call changes something.
    pub(crate) fn changes(&self) -> bool {
        !["Describe", "Get", "List"].iter().any(|reading| self.action.starts_with(reading))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.action)
    }
}

/// What happens to a call.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It is passed on, and so is the answer.
    Pass,
    /// The same, and the whole takes this much longer: half on the way there, half on the way back.
    Delay(Duration),
    /// It takes effect, and the connection is cut before the answer.
    LoseReply,
    /// It takes effect; the answer waits until the test lets go, and is lost.
    HoldReply(Latch),
    /// The connection is cut and nothing takes effect.
    Cut,
    /// It is refused with this status and body, and nothing takes effect.
    Refuse(u16, String),
}

/// Holds one call inside the proxy: tells the test that it is there, and waits to be let go.
#[derive(Debug)]
pub(crate) struct Latch {
    reached: Sender<Call>,
    released: Receiver<()>,
}

/// The test's end of a [`Latch`]; dropping it lets the call go.
#[derive(Debug)]
pub(crate) struct Grip {
    reached: Receiver<Call>,
    _release: Sender<()>,
}

impl Grip {
    /// Waits until a call is held; `None` when the command ends without it.
    pub(crate) fn wait_unless(
        &self,
        limit: Duration,
        mut ended: impl FnMut() -> bool,
    ) -> Option<Call> {
        let held_or_over = || match self.reached.try_recv() {
            Ok(call) => Some(Some(call)),
            Err(_) if ended() => Some(None),
            Err(_) => None,
        };
        wait_for(limit, held_or_over).expect("the command makes the call or ends")
    }
}

/// Makes the two ends of a latch.
pub(crate) fn latch() -> (Latch, Grip) {
    let (reached_sender, reached) = mpsc::channel();
    let (release, released) = mpsc::channel();
    (Latch { reached: reached_sender, released }, Grip { reached, _release: release })
}

/// Tells which call met the fate that was planned for it.
#[derive(Debug, Default)]
pub(crate) struct Harm(Arc<Mutex<Option<Call>>>);

impl Harm {
    /// Returns the call; `None` as long as it has not been made.
    pub(crate) fn call(&self) -> Option<Call> {
        self.0.lock().expect("no thread has panicked").clone()
    }
}

type Plan = Box<dyn FnMut(&Call) -> Fate + Send>;

/// A running proxy; it ends with the test's process.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    doorman: Option<Doorman>,
}

/// The thread that takes connections.
#[derive(Debug)]
struct Doorman {
    dismissed: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Doorman {
    fn post(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let dismissed = Arc::new(AtomicBool::new(false));
        let heard = dismissed.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if heard.load(Ordering::SeqCst) {
                    break;
                }
                let shared = shared.clone();
                thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { dismissed, thread }
    }

    /// Ends the thread, which closes the listener; a last connection wakes it.
    fn dismiss(self, address: SocketAddr) {
        self.dismissed.store(true, Ordering::SeqCst);
        TcpStream::connect(address).expect("the listener is still open");
        self.thread.join().expect("the thread has not panicked");
    }
}

struct Shared {
    upstream: SocketAddr,
    plan: Mutex<Plan>,
    calls: Mutex<Vec<Call>>,
    in_flight: AtomicUsize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Puts a proxy in front of `upstream`; every call passes until [`Proxy::plan`] says otherwise.
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            upstream,
            plan: Mutex::new(Box::new(|_| Fate::Pass)),
            calls: Mutex::default(),
            in_flight: AtomicUsize::new(0),
        });
        Self { address, shared: shared.clone(), doorman: Some(Doorman::post(listener, shared)) }
    }

    /// Stops listening: whoever connects from now on is refused.
    pub(crate) fn close(&mut self) {
        let doorman = self.doorman.take().expect("the proxy is open");
        doorman.dismiss(self.address);
    }

    /// Listens again where it listened before.
    pub(crate) fn reopen(&mut self) {
        let listener = TcpListener::bind(self.address).expect("the port is still free");
        self.doorman = Some(Doorman::post(listener, self.shared.clone()));
    }

    /// Returns the URL of the proxy.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets `plan` decide over each call from now on, in the order of arrival.
    pub(crate) fn plan(&self, plan: impl FnMut(&Call) -> Fate + Send + 'static) {
        *self.shared.plan.lock().expect("no plan has panicked") = Box::new(plan);
    }

    /// Lets `fate` happen to the n-th changing call from now on, counted from 1, and to no other.
    pub(crate) fn harm_nth_change(&self, n: usize, fate: Fate) -> Harm {
        let harm = Harm::default();
        let harmed = harm.0.clone();
        let mut fate = Some(fate);
        let mut changes = 0;
        self.plan(move |call| {
            changes += usize::from(call.changes());
            if !call.changes() || changes < n {
                return Fate::Pass;
            }
            let Some(fate) = fate.take() else { return Fate::Pass };
            *harmed.lock().expect("no thread has panicked") = Some(call.clone());
            fate
        });
        harm
    }

    /// Returns the calls so far, in the order of arrival, and forgets them.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.shared.calls.lock().expect("no thread has panicked"))
    }

    /// Waits until no call is on its way any more.
    pub(crate) fn settle(&self) {
        let idle = || (self.shared.in_flight.load(Ordering::SeqCst) == 0).then_some(());
        wait_for(Duration::from_secs(30), idle).expect("calls in flight come to an end");
    }
}

impl Shared {
    fn serve(&self, client: &TcpStream) {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        // A client that hangs up, killed or not, is an ordinary thing here.
        let _ = self.carry(client);
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    fn carry(&self, client: &TcpStream) -> io::Result<()> {
        let Some(request) = Request::read(client)? else { return Ok(()) };
        let call = request.call();
        let fate = {
            let mut plan = self.plan.lock().expect("no plan has panicked");
            self.calls.lock().expect("no thread has panicked").push(call.clone());
            plan(&call)
        };
        match fate {
            Fate::Pass => send(client, &self.forward(&request)?),
            Fate::Delay(delay) => {
                thread::sleep(delay / 2);
                let answer = self.forward(&request)?;
                thread::sleep(delay / 2);
                send(client, &answer)
            }
            Fate::LoseReply => self.forward(&request).map(drop),
            Fate::HoldReply(latch) => {
                self.forward(&request)?;
                // The test may have given up: then there is nobody to tell or to wait for.
                if latch.reached.send(call).is_ok() {
                    let _ = latch.released.recv();
                }
                Ok(())
            }
            Fate::Cut => Ok(()),
            Fate::Refuse(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} Refused\r\ncontent-type: text/xml\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                send(client, (head + &body).as_bytes())
            }
        }
    }

    /// Passes a request on and returns the whole answer as it came.
    fn forward(&self, request: &Request) -> io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(self.upstream)?;
        upstream.set_read_timeout(Some(Duration::from_secs(30)))?;
        upstream.write_all(&request.for_upstream(self.upstream))?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn send(mut client: &TcpStream, answer: &[u8]) -> io::Result<()> {
    client.write_all(answer)
}

/// One HTTP request; connections are not kept alive on either side.
struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    /// Reads a request; `None` when the client closes without one.
    fn read(client: &TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(client);
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0).min(BODY_BYTES_MAX)];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { line: line.trim_end().to_owned(), headers, body }))
    }

    /// Names the call by the form in its body.
    fn call(&self) -> Call {
        let form = String::from_utf8_lossy(&self.body);
        let field =
            |key: &str| form.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let service = match field("Version") {
            Some("2016-11-15") => "ec2",
            Some("2015-12-01") => "elasticloadbalancing",
            Some("2011-01-01") => "autoscaling",
            Some("2011-06-15") => "sts",
            _ => "unknown",
        };
        Call { service, action: field("Action").unwrap_or("unknown").to_owned() }
    }

    fn for_upstream(&self, upstream: SocketAddr) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.line).into_bytes();
        let own = [("host", upstream.to_string()), ("connection", "close".to_owned())];
        let kept = self.headers.iter().filter(|(name, _)| !own.iter().any(|(own, _)| name == own));
        let kept = kept.map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in kept.chain(own.clone()) {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
