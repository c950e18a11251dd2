//! A component of another world than that of plug-ins: sound, and of no use to growbox.

#[cfg(target_arch = "wasm32")]
#[allow(
    unsafe_code,
    reason = "the generated glue passes pointers to and from the host"
)]
#[allow(missing_docs, unreachable_pub, reason = "generated")]
mod bindings {
    use super::Greeting;

    wit_bindgen::generate!({ path: "wit/world.wit", world: "greeting" });

    impl Guest for Greeting {
        fn greet(name: String) -> String {
            super::greet(&name)
        }
    }

    export!(Greeting);
}

/// Greets.
#[derive(Debug)]
pub struct Greeting;

/// Greets by name.
#[must_use]
pub fn greet(name: &str) -> String {
    format!("Good morning, {name}.")
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_polite() {
        assert_eq!(super::greet("Ada"), "Good morning, Ada.");
    }
}
