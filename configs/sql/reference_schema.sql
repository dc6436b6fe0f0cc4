-- A plausible schema, for the tests and as an example. It is not the schema of any site: write
-- your own queries for your own tables, see README.md.
--
-- Load it into each PNR database and into the monitoring database; each uses its own tables.
-- Times are DATETIME in the service's zone.

-- In a PNR database: the flights, and the messages that were pushed for them.

CREATE TABLE flight (
    id             BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    airline        VARCHAR(3)      NOT NULL,  -- a code such as KE, NO, 1E: never a number
    flight_number  VARCHAR(8)      NOT NULL,
    departure      CHAR(3)         NOT NULL,  -- airport codes
    arrival        CHAR(3)         NOT NULL,
    departs        DATETIME        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE push_message (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    flight_id  BIGINT UNSIGNED NOT NULL,
    airline    VARCHAR(3)      NOT NULL,
    passenger  VARCHAR(100)    NULL,
    received   DATETIME        NOT NULL,
    processed  DATETIME        NULL,          -- NULL: it waits
    KEY waiting (processed, received),
    KEY last (airline, received),
    FOREIGN KEY (flight_id) REFERENCES flight (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- In a PNR database: what the report counts, the messages that each process handled.

CREATE TABLE report_row (
    id        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    airline   VARCHAR(3)      NOT NULL,
    process   CHAR(1)         NOT NULL,       -- the process that handled them, such as U
    messages  INT UNSIGNED    NOT NULL DEFAULT 1,
    handled   DATETIME        NOT NULL,
    KEY report (handled, airline, process)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- In the monitoring database: the airlines that each server serves.

CREATE TABLE service (
    server_name        VARCHAR(32)  NOT NULL,
    service            VARCHAR(3)   NOT NULL, -- an airline's code
    name               VARCHAR(100) NULL,     -- its name, such as 대한항공
    last_message_date  DATETIME     NULL,
    PRIMARY KEY (server_name, service)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
