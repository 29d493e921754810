use protocol::Problem;

use super::blocking;

/// Keeps the token of the model repository in the system's keyring.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_token(token: String) -> Result<(), Problem> {
    blocking(move || store::keep_token(&token)).await
}

/// Whether a token is kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn has_token() -> Result<bool, Problem> {
    blocking(|| store::token().map(|token| token.is_some())).await
}

/// Forgets the token.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_token() -> Result<(), Problem> {
    blocking(store::forget_token).await
}
