//! Serves a long list of books in pages, and reads it as one: `pages serve [URL]`, `pages list [URL]`.
//!
//! A list that is too long for one reply comes in pages. Each page has a token for the next one, and the client is a stream that asks when
//! it needs more; `examples/library/pages.py` does the same in Python.

#[path = "idl/library.rs"]
#[rustfmt::skip]
mod idl;

use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::time::Duration;

use fastthrift::{Channel, Server};
use idl::library::{Book, BooksError, Library, LibraryClient, LibraryServer, Page, UnknownToken};
use tokio::task::spawn_blocking;

/// Books that a page may have, whatever a client asks for.
const LARGEST: usize = 1000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = arguments.get(1).map_or("tcp://127.0.0.1:9090", String::as_str);
    match arguments.first().map(String::as_str) {
        Some("serve") => serve(url).await?,
        Some("list") => list(url).await?,
        _ => return Err("pages serve [URL], or pages list [URL]".into()),
    }
    Ok(())
}

/// Serves books in the order of their titles. A token is the title of the last book before the page, so books may come and go in
/// between.
struct Shelf(Vec<Book>);

impl Shelf {
    fn new(count: i32) -> Self {
        let book = |number: i32| {
            let (title, year) = (format!("Book {number:06}"), 1900 + number % 100);
            Book { title, year, authors: Vec::new() }
        };
        Self((0..count).map(book).collect())
    }
}

impl Library for Shelf {
    async fn books(&self, token: String, limit: i32) -> Result<Page, BooksError> {
        let start = match token.strip_prefix("after:") {
            Some(title) => self.0.partition_point(|book| book.title.as_str() <= title),
            None if token.is_empty() => 0,
            None => return Err(UnknownToken { message: format!("{token:?} did not come from here") }.into()),
        };
        let limit = usize::try_from(limit).unwrap_or(0).clamp(1, LARGEST);
        let books: Vec<Book> = self.0[start..].iter().take(limit).cloned().collect();
        let is_last = start + books.len() >= self.0.len();
        let next = books.last().filter(|_| !is_last).map(|book| format!("after:{}", book.title));
        Ok(Page { books, next })
    }
}

async fn serve(url: &str) -> io::Result<()> {
    let server = Server::builder(LibraryServer::new(Shelf::new(1000))).bind(url).await?;
    println!("{}", server.url());
    let ended = async { drop(spawn_blocking(|| io::read_to_string(io::stdin())).await) };
    server.serve_until(ended).await;
    Ok(())
}

/// All books of a server, as a stream. Each page is asked for when the one before is used up.
struct AllBooks {
    client: LibraryClient,
    page: i32,
    ready: VecDeque<Book>,
    /// What to ask for next; `None` after the last page.
    token: Option<String>,
}

impl AllBooks {
    fn new(client: LibraryClient, page: i32) -> Self {
        Self { client, page, ready: VecDeque::new(), token: Some(String::new()) }
    }

    /// The next book; `None` after the last one.
    async fn next(&mut self) -> Result<Option<Book>, BooksError> {
        loop {
            if let Some(book) = self.ready.pop_front() {
                return Ok(Some(book));
            }
            let Some(token) = &self.token else { return Ok(None) };
            let Page { books, next } = self.client.books(token, self.page).await?;
            (self.ready, self.token) = (books.into(), next);
        }
    }
}

async fn list(url: &str) -> Result<(), Box<dyn Error>> {
    let channel = Channel::builder(url).timeout(Duration::from_secs(10)).connect().await?;
    let mut books = AllBooks::new(LibraryClient::new(channel), 64);
    let mut titles = Vec::new();
    while let Some(book) = books.next().await? {
        titles.push(book.title);
    }
    if let [first, .., last] = &titles[..] {
        println!("{} books, from {first} to {last}", titles.len());
    }
    Ok(())
}
