//! Asks a server thousands of questions: many in flight over UDP, pipelined over TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use super::message::{Answer, Question};

/// How questions travel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Transport {
    /// In datagrams.
    Udp,
    /// In a stream.
    Tcp,
}

/// Asks all questions; the answers in the questions' order.
pub(super) fn ask(server: SocketAddr, transport: Transport, questions: &[Question]) -> Vec<Answer> {
    let by_flow = |flow: &[Question]| match transport {
        Transport::Udp => ask_udp(server, flow),
        Transport::Tcp => ask_tcp(server, flow),
    };
    questions.chunks(FLOW).flat_map(by_flow).collect()
}

/// Asks over UDP from one socket; what gets no answer is asked again.
fn ask_udp(server: SocketAddr, questions: &[Question]) -> Vec<Answer> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers: Vec<Option<Answer>> = vec![None; questions.len()];
    let send = |index: usize| {
        socket.send(&questions[index].to_wire(u16::try_from(index).unwrap())).unwrap();
    };
    let (mut sent, mut received, mut silences) = (0, 0, 0);
    let mut buffer = [0; 65535];
    while received < questions.len() {
        while sent < questions.len() && sent - received < WINDOW {
            send(sent);
            sent += 1;
        }
        let Ok(length) = socket.recv(&mut buffer) else {
            silences += 1;
            assert!(silences < SILENCES_MAX, "{server} does not answer {:?}", first_missing(questions, &answers));
            (0..sent).filter(|index| answers[*index].is_none()).for_each(send);
            continue;
        };
        let index = usize::from(u16::from_be_bytes([buffer[0], buffer[1]]));
        if answers[index].is_none() {
            answers[index] = Some(Answer::parse(&buffer[..length], &questions[index]));
            received += 1;
        }
    }
    answers.into_iter().flatten().collect()
}

/// Asks over one TCP connection, without waiting for answers before the next question. They may come in any order.
fn ask_tcp(server: SocketAddr, questions: &[Question]) -> Vec<Answer> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE * SILENCES_MAX)).unwrap();
    let mut answers: Vec<Option<Answer>> = vec![None; questions.len()];
    std::thread::scope(|scope| {
        let mut writer = stream.try_clone().unwrap();
        scope.spawn(move || writer.write_all(&framed(questions)).unwrap());
        for _ in questions {
            let mut length = [0; 2];
            stream
                .read_exact(&mut length)
                .unwrap_or_else(|error| panic!("{server} over TCP: {error}: {:?}", first_missing(questions, &answers)));
            let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut message).unwrap();
            let index = usize::from(u16::from_be_bytes([message[0], message[1]]));
            let answer = Answer::parse(&message, &questions[index]);
            assert!(answers[index].replace(answer).is_none(), "{server} answers {:?} twice", questions[index]);
        }
    });
    answers.into_iter().flatten().collect()
}

/// Queries for a stream, each with its length before it.
fn framed(questions: &[Question]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (index, question) in questions.iter().enumerate() {
        let query = question.to_wire(u16::try_from(index).unwrap());
        octets.extend(u16::try_from(query.len()).unwrap().to_be_bytes());
        octets.extend(query);
    }
    octets
}

/// The first question without an answer.
fn first_missing<'q>(questions: &'q [Question], answers: &[Option<Answer>]) -> Option<&'q Question> {
    questions.iter().zip(answers).find(|(_, answer)| answer.is_none()).map(|(question, _)| question)
}

/// Questions from one port or connection: less than there are ids, and enough flows that every auth process gets some.
const FLOW: usize = 1000;

/// Datagrams in flight: less than any server's socket holds.
const WINDOW: usize = 64;

/// How long the next answer is waited for before what is missing is asked again.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often nothing may come.
const SILENCES_MAX: u32 = 20;
