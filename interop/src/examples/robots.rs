//! `robots`: a game whose robots are steered by its clients. This one has no window, and walls only at its edges.

use std::sync::{Mutex, MutexGuard, PoisonError};

use salamander::prelude::*;
use salamander::{DaemonHandle, Remote};

use super::{Printed, Stage};

const SIZE: i64 = 25;

/// Where a robot is and how strong, as its observer sees it.
#[class("robot.Robot")]
#[derive(Clone, Debug)]
struct Robot {
    name: String,
    grid_dimensions: (i64, i64),
    position: (i64, i64),
    direction: (i64, i64),
    strength: i64,
}

/// What a client steers.
struct RemoteBot {
    robot: Mutex<Robot>,
    observer: Proxy,
    printed: Printed,
}

impl RemoteBot {
    fn lock(&self) -> MutexGuard<'_, Robot> {
        self.robot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self) -> Robot {
        let mut robot = self.lock();
        let ((x, y), (dx, dy)) = (robot.position, robot.direction);
        robot.position = ((x + dx).clamp(0, SIZE - 1), (y + dy).clamp(0, SIZE - 1));
        robot.clone()
    }
}

#[expose]
impl RemoteBot {
    fn get_data(&self) -> Robot {
        self.lock().clone()
    }

    fn change_direction(&self, direction: (i64, i64)) {
        let mut robot = self.lock();
        robot.direction = direction;
        self.printed.line(format_args!("{} goes {direction:?}", robot.name));
    }

    fn emote(&self, text: &str) {
        self.printed.line(format_args!("{} says: '{text}'", self.lock().name));
    }
}

/// Where robots sign up.
struct GameServer {
    daemon: DaemonHandle,
    robots: Mutex<Vec<Remote<RemoteBot>>>,
    printed: Printed,
}

#[expose]
impl GameServer {
    fn register(&self, name: String, observer: Proxy) -> Result<Remote<RemoteBot>, Exception> {
        let mut robots = self.robots.lock().unwrap_or_else(PoisonError::into_inner);
        if robots.iter().any(|robot| robot.object().get().lock().name == name) {
            return Err(Exception::value_error("that name is already taken"));
        }
        let position = (SIZE / 2, i64::try_from(robots.len())? % SIZE);
        let robot = Robot { name, grid_dimensions: (SIZE, SIZE), position, direction: (0, 0), strength: 5 };
        let robot = RemoteBot { robot: Mutex::new(robot), observer, printed: self.printed.clone() };
        let robot = self.daemon.share(robot)?;
        robots.push(robot.clone());
        Ok(robot)
    }
}

/// The game, for who holds it.
pub struct Game(salamander::Shared<GameServer>);

impl Game {
    fn robots(&self) -> Vec<Remote<RemoteBot>> {
        self.0.get().robots.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Plays a round of so many steps, after which the first who signed up has won.
    ///
    /// # Errors
    /// Where an observer cannot be reached.
    pub async fn round(&self, steps: i64) -> Result<()> {
        let robots = self.robots();
        for robot in &robots {
            robot.object().get().observer.call::<()>("start", ()).await?;
        }
        for step in 1..=steps {
            for robot in &robots {
                let data = robot.object().get().step();
                robot.object().get().observer.call::<()>("world_update", (step, Value::None, data)).await?;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let Some((winner, others)) = robots.split_first() else { return Ok(()) };
        let killer = winner.object().get().get_data();
        for robot in others {
            robot.object().get().observer.call::<()>("death", (&killer,)).await?;
        }
        winner.object().get().observer.call("victory", ()).await
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Game> {
    let daemon = stage.daemon().await?;
    let server = GameServer { daemon: daemon.handle(), robots: Mutex::default(), printed: stage.printed.clone() };
    let server = salamander::Shared::from(server);
    let uri = daemon.register_object("robotserver", std::sync::Arc::new(server.clone()))?;
    stage.names().await?.register("example.robotserver", &uri).await?;
    daemon.spawn();
    Ok(Game(server))
}
