//! What a plug-in wants to be allowed: `controls(exhaust = "why")`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token};

/// One scope and the sentence a grower reads before saying yes.
pub(crate) struct Reason {
    scope: String,
    why: LitStr,
}

impl Parse for Reason {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let scope = if input.peek(LitStr) {
            input.parse::<LitStr>()?.value()
        } else {
            input.parse::<Ident>()?.to_string()
        };
        input.parse::<Token![=]>()?;
        let why: LitStr = input.parse()?;
        if why.value().trim().is_empty() {
            return Err(syn::Error::new(
                why.span(),
                "a permission carries its reason",
            ));
        }
        Ok(Self { scope, why })
    }
}

/// The ability that a word of the attribute asks for, and whether it waits for it.
pub(crate) fn ability(word: &str) -> Option<(&'static str, bool)> {
    Some(match word {
        "controls" => ("control", true),
        "may_control" => ("control", false),
        "emits" => ("emit", true),
        "may_emit" => ("emit", false),
        "reads_history" => ("read-history", true),
        "may_read_history" => ("read-history", false),
        "may_stop" => ("emergency-stop", false),
        "may_call" => ("call", false),
        _ => return None,
    })
}

/// The reasons in brackets.
pub(crate) fn reasons(input: ParseStream<'_>) -> syn::Result<Vec<Reason>> {
    let content;
    syn::parenthesized!(content in input);
    let list = Punctuated::<Reason, Token![,]>::parse_terminated(&content)?;
    Ok(list.into_iter().collect())
}

/// The manifest's `ask`.
pub(crate) fn write(ability: &str, required: bool, reason: &Reason) -> TokenStream {
    let Reason { scope, why } = reason;
    quote! {
        ::growbox_sdk::wire::Ask {
            ability: #ability.into(),
            scope: #scope.into(),
            why: #why.into(),
            required: #required,
        }
    }
}
