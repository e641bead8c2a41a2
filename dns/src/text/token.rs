//! The tokenizer of zone files: octets in, the tokens of one entry at a time out, each with where it stands.
//!
//! An entry is a line, or several that parentheses join (RFC 1035, section 5.1). Comments, blanks, line ends and parentheses
//! end here; escapes are left as they are written, since what they mean depends on what the token is. Directives and records
//! are told apart by the reader (`zonefile.rs`), not here. Read [`Tokenizer::next_entry`] first.

use super::limits::TOKENS_MAX;

/// A word or a quoted string of an entry, as a range of the source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Token {
    /// Where the text starts, after the quote of a quoted string.
    pub(super) start: usize,
    /// Where the text ends, before the closing quote.
    pub(super) end: usize,
    /// The line it stands on, from 1.
    pub(super) line: u32,
    /// Whether it is a quoted string.
    pub(super) quoted: bool,
    /// Whether it follows the token before it without a blank: `key="value"` is two tokens of which the second is joined.
    pub(super) joined: bool,
}

impl Token {
    /// The text as it is written, escapes included, quotes left out.
    pub(super) fn text<'a>(&self, source: &'a [u8]) -> &'a [u8] {
        source.get(self.start..self.end).unwrap_or_default()
    }
}

/// What keeps octets from being tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TokenFault {
    /// A parenthesis is open at the end of the file.
    UnclosedParenthesis,
    /// A parenthesis is closed that was not opened.
    UnopenedParenthesis,
    /// A parenthesis is opened within parentheses.
    NestedParenthesis,
    /// A quoted string has no end: on its line, or within parentheses in the file.
    UnclosedQuote,
    /// Nothing follows a backslash on its line.
    UnfinishedEscape,
    /// An entry has more tokens than any record can have, and no parenthesis is open.
    TooManyTokens,
}

/// A fault and the octets it lies in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TokenError {
    /// What is wrong.
    pub(super) fault: TokenFault,
    /// Where.
    pub(super) token: Token,
}

/// How an entry starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Whether its first line starts with a blank, so that it has no owner of its own.
    pub(super) starts_blank: bool,
}

/// Reads entry after entry from the octets of one file.
#[derive(Clone, Debug)]
pub(super) struct Tokenizer<'a> {
    /// The whole file.
    source: &'a [u8],
    /// The next octet to read.
    position: usize,
    /// The line of that octet, from 1.
    line: u32,
}

impl<'a> Tokenizer<'a> {
    /// Starts at the first line.
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self { source, position: 0, line: 1 }
    }

    /// Goes to the start of a line.
    pub(super) fn go_to(&mut self, position: usize, line: u32) {
        (self.position, self.line) = (position, line);
    }

    /// The next octet to read, and its line.
    pub(super) fn position(&self) -> (usize, u32) {
        (self.position, self.line)
    }

    /// Reads the next entry that has any token into `tokens`, replacing what was there; `None` is the end of the file.
    ///
    /// After an error it stands at the line that follows the fault, so that reading can go on. An unclosed parenthesis is an
    /// error of the line that opens it, though it is seen only at the end of the file, or after [`TOKENS_MAX`] tokens: the lines
    /// after it are read as entries.
    pub(super) fn next_entry(&mut self, tokens: &mut Vec<Token>) -> Result<Option<Entry>, TokenError> {
        tokens.clear();
        while self.position < self.source.len() {
            let starts_blank = matches!(self.peek(), Some(b' ' | b'\t'));
            if let Err(error) = self.read_entry(tokens) {
                self.resume_after(error.token);
                return Err(error);
            }
            if !tokens.is_empty() {
                return Ok(Some(Entry { starts_blank }));
            }
        }
        Ok(None)
    }

    /// Reads to the end of the line, or of the last line that a parenthesis joins.
    fn read_entry(&mut self, tokens: &mut Vec<Token>) -> Result<(), TokenError> {
        let mut open: Option<Token> = None;
        let mut joined = false;
        while let Some(octet) = self.peek() {
            if tokens.len() > TOKENS_MAX {
                // So that a forgotten parenthesis does not make the rest of a large file tokens, which are many times as large.
                return Err(match open {
                    Some(token) => TokenError { fault: TokenFault::UnclosedParenthesis, token },
                    None => TokenError { fault: TokenFault::TooManyTokens, token: self.here() },
                });
            }
            match octet {
                b'\n' => {
                    self.position += 1;
                    self.line += 1;
                    joined = false;
                    if open.is_none() {
                        return Ok(());
                    }
                }
                b' ' | b'\t' | b'\r' => {
                    self.position += 1;
                    joined = false;
                }
                b';' => self.skip_comment(),
                b'(' => {
                    let here = self.here();
                    if open.replace(here).is_some() {
                        return Err(TokenError { fault: TokenFault::NestedParenthesis, token: here });
                    }
                    self.position += 1;
                    joined = false;
                }
                b')' => {
                    if open.take().is_none() {
                        return Err(TokenError { fault: TokenFault::UnopenedParenthesis, token: self.here() });
                    }
                    self.position += 1;
                    joined = false;
                }
                b'"' => {
                    tokens.push(Token { joined, ..self.read_quoted(open.is_some())? });
                    joined = true;
                }
                _ => {
                    tokens.push(Token { joined, ..self.read_word()? });
                    joined = true;
                }
            }
        }
        match open {
            Some(token) => Err(TokenError { fault: TokenFault::UnclosedParenthesis, token }),
            None => Ok(()),
        }
    }

    /// Reads a word up to a blank or an octet with a meaning of its own.
    fn read_word(&mut self) -> Result<Token, TokenError> {
        let start = self.position;
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"' => break,
                b'\\' => self.skip_escape()?,
                _ => self.position += 1,
            }
        }
        Ok(Token { start, end: self.position, line: self.line, quoted: false, joined: false })
    }

    /// Reads a quoted string. A line end inside is an error, so that a forgotten quote is found on its line; within parentheses it
    /// is an octet of the string.
    fn read_quoted(&mut self, is_within_parentheses: bool) -> Result<Token, TokenError> {
        let start = self.position + 1;
        let line = self.line;
        self.position = start;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\n') if is_within_parentheses => {
                    self.position += 1;
                    self.line += 1;
                }
                Some(b'\n') | None => {
                    let rest = self.source.get(start..self.position).unwrap_or_default();
                    let end = rest.iter().position(|octet| *octet == b'\n').map_or(self.position, |end| start + end);
                    let token = Token { start: start - 1, end, line, quoted: true, joined: false };
                    return Err(TokenError { fault: TokenFault::UnclosedQuote, token });
                }
                Some(b'\\') => self.skip_escape()?,
                Some(_) => self.position += 1,
            }
        }
        let end = self.position;
        self.position += 1;
        Ok(Token { start, end, line, quoted: true, joined: false })
    }

    /// Steps over a backslash and the octet that it takes the meaning of.
    fn skip_escape(&mut self) -> Result<(), TokenError> {
        match self.source.get(self.position + 1) {
            None | Some(b'\n' | b'\r') => Err(TokenError { fault: TokenFault::UnfinishedEscape, token: self.here() }),
            Some(_) => {
                self.position += 2;
                Ok(())
            }
        }
    }

    /// Steps to the end of the line, the line end itself left.
    fn skip_comment(&mut self) {
        let rest = self.source.get(self.position..).unwrap_or_default();
        self.position += rest.iter().position(|octet| *octet == b'\n').unwrap_or(rest.len());
    }

    /// Steps to the line after that of `token`.
    fn resume_after(&mut self, token: Token) {
        self.position = token.start;
        self.line = token.line;
        self.skip_comment();
        if self.position < self.source.len() {
            self.position += 1;
            self.line += 1;
        }
    }

    /// The next octet.
    fn peek(&self) -> Option<u8> {
        self.source.get(self.position).copied()
    }

    /// The next octet as a token of its own, for errors.
    fn here(&self) -> Token {
        Token { start: self.position, end: self.position + 1, line: self.line, quoted: false, joined: false }
    }
}

/// The column of an octet, from 1, in characters; a tab is one.
pub(super) fn column(source: &[u8], position: usize) -> u32 {
    let before = source.get(..position).unwrap_or(source);
    let line = before.rsplit(|octet| *octet == b'\n').next().unwrap_or_default();
    let characters = line.iter().filter(|octet| **octet & 0xc0 != 0x80).count();
    u32::try_from(characters).unwrap_or(u32::MAX - 1) + 1
}
