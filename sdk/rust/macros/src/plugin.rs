//! The attribute `plugin`: a manifest, and on wasm the exports.

use crate::{asks, span};
use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, ItemImpl, LitInt, LitStr, Token, Type};

/// What stands in the brackets of the attribute.
pub(crate) struct Arguments {
    id: Option<LitStr>,
    summary: Option<LitStr>,
    types: Vec<LitStr>,
    zones: Vec<LitStr>,
    latest: bool,
    tick: Option<u64>,
    state_version: u32,
    asks: Vec<TokenStream>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self {
            id: None,
            summary: None,
            types: Vec::new(),
            zones: Vec::new(),
            latest: false,
            tick: None,
            state_version: 1,
            asks: Vec::new(),
        };
        while !input.is_empty() {
            arguments.take(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

impl Arguments {
    /// Takes one argument.
    fn take(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let word: Ident = input.parse()?;
        if let Some((ability, required)) = asks::ability(&word.to_string()) {
            let reasons = asks::reasons(input)?;
            let asks = reasons
                .iter()
                .map(|reason| asks::write(ability, required, reason));
            self.asks.extend(asks);
            return Ok(());
        }
        match word.to_string().as_str() {
            "reads" => self.types.extend(texts(input)?),
            "zones" => self.zones.extend(texts(input)?),
            "id" => self.id = Some(value(input)?),
            "summary" => self.summary = Some(value(input)?),
            "tick" => self.tick = Some(span::nanoseconds(&value(input)?)?),
            "delivery" => self.latest = is_latest(&value(input)?)?,
            "state_version" => self.state_version = value::<LitInt>(input)?.base10_parse()?,
            other => {
                let message = format!("a plug-in has no \"{other}\"");
                return Err(syn::Error::new(word.span(), message));
            }
        }
        Ok(())
    }
}

/// `= value`
fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `("one", "other")`
fn texts(input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let content;
    syn::parenthesized!(content in input);
    let list = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
    Ok(list.into_iter().collect())
}

fn is_latest(word: &LitStr) -> syn::Result<bool> {
    match word.value().as_str() {
        "latest" => Ok(true),
        "every" => Ok(false),
        _ => Err(syn::Error::new(
            word.span(),
            "delivery is \"every\" or \"latest\"",
        )),
    }
}

/// The `impl` as it stands, its manifest, its exports.
pub(crate) fn expand(arguments: &Arguments, item: &ItemImpl) -> syn::Result<TokenStream> {
    let is_handler = item
        .trait_
        .as_ref()
        .and_then(|(_, path, _)| path.segments.last());
    if is_handler.is_none_or(|segment| segment.ident != "Handler") {
        let message = "`plugin` stands above an `impl Handler for …`";
        return Err(syn::Error::new_spanned(&item.self_ty, message));
    }
    let manifest = manifest(arguments, &item.self_ty);
    let handler = &item.self_ty;
    let exports = quote! { ::growbox_sdk::export_plugin!(#handler); };
    Ok(quote! { #item #manifest #exports })
}

fn manifest(arguments: &Arguments, handler: &Type) -> TokenStream {
    let Arguments {
        types,
        zones,
        state_version,
        asks,
        ..
    } = arguments;
    let id = arguments
        .id
        .as_ref()
        .map_or(quote!(env!("CARGO_PKG_NAME")), |id| quote!(#id));
    let summary = arguments.summary.as_ref();
    let summary = summary.map_or(quote!(env!("CARGO_PKG_DESCRIPTION")), |text| quote!(#text));
    let delivery = if arguments.latest {
        quote!(Latest)
    } else {
        quote!(Every)
    };
    let tick = match arguments.tick {
        Some(nanoseconds) => quote!(Some(#nanoseconds)),
        None => quote!(None),
    };
    quote! {
        impl ::growbox_sdk::Plugin for #handler {
            fn manifest() -> ::growbox_sdk::wire::Manifest {
                let types: ::std::vec::Vec<::std::string::String> = vec![#(#types.into()),*];
                let subscription = ::growbox_sdk::wire::Subscription {
                    types,
                    zones: vec![#(#zones.into()),*],
                    delivery: ::growbox_sdk::wire::Delivery::#delivery,
                };
                ::growbox_sdk::wire::Manifest {
                    id: #id.into(),
                    version: env!("CARGO_PKG_VERSION").into(),
                    summary: #summary.into(),
                    subscriptions: vec![subscription],
                    asks: vec![#(#asks),*],
                    tick: #tick,
                    settings_schema: ::growbox_sdk::schema::<Self>(),
                    state_version: #state_version,
                    attributes: ::growbox_sdk::written::attributes(&[
                        ("author", env!("CARGO_PKG_AUTHORS")),
                        ("licence", env!("CARGO_PKG_LICENSE")),
                        ("home page", env!("CARGO_PKG_HOMEPAGE")),
                    ]),
                }
            }
        }
    }
}
