//! Serving the table of addresses until the host ends.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connection::Connections;
use crate::edge::Edge;
use crate::host::Host;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::{guard, routes};

/// Serves HTTP on `listener` until `shutdown` resolves. An empty token fits nobody.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: std::net::TcpListener,
    host: Arc<dyn Host>,
    token: String,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_within(listener, host, token, Limits::default(), shutdown).await
}

/// [`serve`] with other bounds.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_within(
    listener: std::net::TcpListener,
    host: Arc<dyn Host>,
    token: String,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let (close, closing) = watch::channel(false);
    let edge = Edge::new(host, token, listener.local_addr()?, limits, closing.clone());
    let connections = Connections::new(listener, &limits);
    let serving = axum::serve(connections, router(Arc::new(edge)))
        .with_graceful_shutdown(closed(closing))
        .into_future();
    let mut serving = pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = shutdown => {}
    }
    close.send_replace(true);
    timeout(limits.farewell, serving).await.unwrap_or(Ok(()))
}

async fn closed(mut closing: watch::Receiver<bool>) {
    // A dropped sender means the same.
    drop(closing.wait_for(|closing| *closing).await);
}

fn router(edge: Arc<Edge>) -> Router {
    routes::router()
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&edge),
            guard::check,
        ))
        .with_state(edge)
}

async fn unknown(uri: Uri) -> Refusal {
    Refusal::not_found("address", uri.path())
        .hint("all addresses are listed in /openapi.json; the API is under /api/v1: events, devices, zones, plugins, alerts, analytics, dead-letters, health")
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let message = format!("{} does not take {method}", uri.path());
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
    .hint("reading is GET; events and changes are POST")
}
