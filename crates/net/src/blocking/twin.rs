//! What twins are made with, in other crates too.

/// Writes methods that wait for the asynchronous one of the same name, of a tuple struct whose first field is the asynchronous type. The
/// `Result` that is in scope has to take an [`Error`](crate::Error) by `?`.
#[doc(hidden)]
#[macro_export]
macro_rules! __waiting {
    ((&self) $($name:ident $(<$($param:ident: $bound:path),*>)? ($($arg:ident: $ty:ty),*) -> $result:ty;)*) => {$(
        #[doc = concat!("The blocking twin of the asynchronous `", stringify!($name), "`.")]
        ///
        /// # Errors
        /// As there, and where it is called in asynchronous code.
        pub fn $name $(<$($param: $bound),*>)? (&self, $($arg: $ty),*) -> Result<$result> {
            $crate::blocking::wait(self.0.$name($($arg),*))?
        }
    )*};
    ((&mut self) $($name:ident $(<$($param:ident: $bound:path),*>)? ($($arg:ident: $ty:ty),*) -> $result:ty;)*) => {$(
        #[doc = concat!("The blocking twin of the asynchronous `", stringify!($name), "`.")]
        ///
        /// # Errors
        /// As there, and where it is called in asynchronous code.
        pub fn $name $(<$($param: $bound),*>)? (&mut self, $($arg: $ty),*) -> Result<$result> {
            $crate::blocking::wait(self.0.$name($($arg),*))?
        }
    )*};
    ((self) $($name:ident $(<$($param:ident: $bound:path),*>)? ($($arg:ident: $ty:ty),*) -> $result:ty;)*) => {$(
        #[doc = concat!("The blocking twin of the asynchronous `", stringify!($name), "`.")]
        ///
        /// # Errors
        /// As there, and where it is called in asynchronous code.
        pub fn $name $(<$($param: $bound),*>)? (self, $($arg: $ty),*) -> Result<$result> {
            $crate::blocking::wait(self.0.$name($($arg),*))?
        }
    )*};
}

/// Writes methods that give a changed copy, or change what they are given.
#[doc(hidden)]
#[macro_export]
macro_rules! __changing {
    ((&self) $($name:ident($($arg:ident: $ty:ty),*);)*) => {$(
        #[doc = concat!("The blocking twin of the asynchronous `", stringify!($name), "`.")]
        #[must_use]
        pub fn $name(&self, $($arg: $ty),*) -> Self {
            Self(self.0.$name($($arg),*))
        }
    )*};
    ((self) $($name:ident($($arg:ident: $ty:ty),*);)*) => {$(
        #[doc = concat!("The blocking twin of the asynchronous `", stringify!($name), "`.")]
        #[must_use]
        pub fn $name(self, $($arg: $ty),*) -> Self {
            Self(self.0.$name($($arg),*))
        }
    )*};
}
