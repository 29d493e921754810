//! `taki rpc-server`: this computer computes along for another one's Taki.

use std::net::{SocketAddrV4, TcpListener};

use protocol::Problem;
use protocol::ladder::EngineSettings;
use store::Rules;

use crate::args::{RpcServer, counts, setting};
use crate::output::Output;

/// Lends what this computer has to another one's Taki until it is stopped, unless the administrator forbids it.
///
/// # Errors
/// What the rules say, and [`Code::SettingInvalid`](protocol::Code::SettingInvalid): nothing may or can be listened for there.
pub(crate) fn run(args: &RpcServer, output: &Output) -> Result<(), Problem> {
    let rules = Rules::find()?;
    rules.let_lend()?;
    let most = rules.limit(EngineSettings::default()).threads;
    let threads = counts(&rules, ("threads", "--threads"), args.threads.map(Some), most)?;
    let (address, port) = (args.listen, args.port);
    let open = "it is no address of a tunnel on this computer, and nothing that is said there would be encrypted";
    if !engine::may_serve_rpc(address) {
        return Err(setting("--listen", address, open));
    }
    // Asked here first: what the engine says would be for whoever borrows.
    if let Err(error) = TcpListener::bind((address, port)) {
        return Err(setting("--port", port, &format!("it cannot be listened on: {error}")));
    }
    output.note(if address.is_loopback() {
        output.either(
            format!(
                "Listening on {address}:{port}, for one Taki at a time; Ctrl+C ends it. Nothing on the way is encrypted: let it through a \
                 tunnel only (ssh -L {port}:{address}:{port} …)."
            ),
            format!(
                "{address}:{port} で待ち受けています。一度に使えるのは一つの Taki だけです。Ctrl+C で終了します。通信は暗号化されないため、\
                 必ずトンネル（ssh -L {port}:{address}:{port} …）を通してください。"
            ),
        )
    } else {
        output.either(
            format!(
                "Listening on {address}:{port}, for one Taki at a time; Ctrl+C ends it. Only the tunnel encrypts what goes through it, and all \
                 who are in it can connect."
            ),
            format!(
                "{address}:{port} で待ち受けています。一度に使えるのは一つの Taki だけです。Ctrl+C で終了します。通信を暗号化するのはトンネルだけで、\
                 そのトンネルにいるすべてのコンピューターから接続できます。"
            ),
        )
    });
    engine::serve_rpc(SocketAddrV4::new(address, port), threads)
}
