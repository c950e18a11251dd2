//! The derive `Settings`: a schema and checked parsing from the fields of a struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Attribute, Data, DeriveInput, Expr, Field, Fields, Ident, Lit, LitStr, Meta, Type};

/// One field with what its attributes say.
struct Setting<'a> {
    name: &'a Ident,
    of_type: &'a Type,
    about: String,
    default: Option<Expr>,
    minimum: Option<Expr>,
    maximum: Option<Expr>,
}

/// `impl Settings`, and `Default` where every field has one.
pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = fields_of(input)?;
    let settings = fields
        .iter()
        .map(|field| read(field))
        .collect::<syn::Result<Vec<_>>>()?;
    let settings_impl = settings_impl(&input.ident, &settings);
    let default_impl = settings
        .iter()
        .all(|setting| setting.default.is_some() || may_be_left_out(setting.of_type))
        .then(|| default_impl(&input.ident));
    let setting_impl = setting_impl(&input.ident);
    Ok(quote! { #settings_impl #default_impl #setting_impl })
}

fn fields_of(input: &DeriveInput) -> syn::Result<Vec<&Field>> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(
            &input.ident,
            "settings are a struct",
        ));
    };
    match &data.fields {
        Fields::Named(fields) => Ok(fields.named.iter().collect()),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(fields) => Err(syn::Error::new_spanned(fields, "a setting has a name")),
    }
}

fn read(field: &Field) -> syn::Result<Setting<'_>> {
    let name = field.ident.as_ref();
    let mut setting = Setting {
        name: name.ok_or_else(|| syn::Error::new_spanned(field, "a setting has a name"))?,
        of_type: &field.ty,
        about: documentation(&field.attrs),
        default: None,
        minimum: None,
        maximum: None,
    };
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("setting")) {
        attribute.parse_nested_meta(|meta| {
            let place = match meta.path.get_ident().map(ToString::to_string).as_deref() {
                Some("default") => &mut setting.default,
                Some("min") => &mut setting.minimum,
                Some("max") => &mut setting.maximum,
                _ => return Err(meta.error("a setting has default, min and max")),
            };
            *place = Some(meta.value()?.parse()?);
            Ok(())
        })?;
    }
    Ok(setting)
}

/// The doc comment as one line.
fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text.value().trim().to_string()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn settings_impl(name: &Ident, settings: &[Setting<'_>]) -> TokenStream {
    let fields = settings.iter().map(field);
    let names = settings.iter().map(|setting| setting.name);
    let indices = 0..settings.len();
    quote! {
        impl ::growbox_sdk::Settings for #name {
            fn fields() -> ::std::vec::Vec<::growbox_sdk::written::Field> {
                vec![#(#fields),*]
            }
            fn read(
                given: &::growbox_sdk::written::Given,
            ) -> ::std::result::Result<Self, ::growbox_sdk::wire::Fault> {
                let fields = <Self as ::growbox_sdk::Settings>::fields();
                let _ = (&fields, given);
                Ok(Self { #(#names: given.take(&fields[#indices])?),* })
            }
        }
    }
}

/// Settings are a setting themselves: a table within other settings.
fn setting_impl(name: &Ident) -> TokenStream {
    quote! {
        impl ::growbox_sdk::Setting for #name {
            fn schema() -> ::growbox_sdk::json::Value {
                ::growbox_sdk::table::schema_of_table::<Self>()
            }
            fn read(
                value: &::growbox_sdk::json::Value,
            ) -> ::std::result::Result<Self, ::std::string::String> {
                ::growbox_sdk::table::in_words(::growbox_sdk::table::read_table(value, ""))
            }
            fn read_at(
                value: &::growbox_sdk::json::Value,
                pointer: &str,
            ) -> ::std::result::Result<Self, ::growbox_sdk::wire::Fault> {
                ::growbox_sdk::table::read_table(value, pointer)
            }
        }
    }
}

/// Whether a type knows by itself what to be without a value, as far as its name tells.
fn may_be_left_out(of_type: &Type) -> bool {
    let Type::Path(path) = of_type else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|last| {
        ["Option", "Vec", "BTreeMap"]
            .iter()
            .any(|name| last.ident == name)
    })
}

fn field(setting: &Setting<'_>) -> TokenStream {
    let Setting {
        name,
        of_type,
        about,
        default,
        minimum,
        maximum,
    } = setting;
    let name = LitStr::new(&name.unraw().to_string(), name.span());
    let default = default.iter();
    let minimum = minimum.iter();
    let maximum = maximum.iter();
    quote! {
        ::growbox_sdk::written::Field::of::<#of_type>(#name, #about)
            #(.default(#default))*
            #(.minimum(#minimum))*
            #(.maximum(#maximum))*
    }
}

fn default_impl(name: &Ident) -> TokenStream {
    quote! {
        impl ::std::default::Default for #name {
            fn default() -> Self {
                <Self as ::growbox_sdk::Settings>::read(&::growbox_sdk::written::Given::nothing())
                    .expect("the defaults of the settings fit their own bounds")
            }
        }
    }
}
