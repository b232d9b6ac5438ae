BEGIN TRANSACTION;
CREATE TABLE liquidation_chain_head (
	id INTEGER NOT NULL, 
	sequence INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "liquidation_chain_head" VALUES(1,5,'003b493dea42b79150978e3d6aeff62bdd08d84594e05c909665096dd4d41987');
CREATE TABLE liquidation_claims (
	number INTEGER NOT NULL, 
	correlation_id VARCHAR NOT NULL, 
	holder VARCHAR(32) NOT NULL, 
	host VARCHAR NOT NULL, 
	pairs TEXT, 
	for_s FLOAT NOT NULL, 
	claimed_at DATETIME NOT NULL, 
	clock_id VARCHAR(64) NOT NULL, 
	clock_s FLOAT NOT NULL, 
	released BOOLEAN NOT NULL, 
	booked BOOLEAN, 
	flat BOOLEAN, 
	PRIMARY KEY (number)
);
INSERT INTO "liquidation_claims" VALUES(1,'liq_20260101_000000_ab12cd34','9e2dbdd90476476b9562f8002e686c1c','host',NULL,5.0,'2026-11-29 15:45:55.524275','boot-1',629.619627568,1,1,1);
CREATE TABLE liquidation_events (
	sequence INTEGER NOT NULL, 
	timestamp DATETIME NOT NULL, 
	event_type VARCHAR NOT NULL, 
	operation VARCHAR NOT NULL, 
	correlation_id VARCHAR, 
	"trigger" VARCHAR, 
	pair VARCHAR, 
	config TEXT, 
	error TEXT, 
	additional_data TEXT NOT NULL, 
	previous_hash VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (sequence)
);
INSERT INTO "liquidation_events" VALUES(1,'2026-01-01 00:00:00.000000','liquidation_config_changed','control',NULL,NULL,NULL,'{"timeout_seconds":5.0}',NULL,'{"changes":{}}','3acda43b8f707a5ab543bbd70882887b53f643cbeb9b8ee02a58feb74a7e0e26','f7caf76d2abcc82b2bea63ce382da5e6f1aef88c646eccb6a06293ab51b45088');
INSERT INTO "liquidation_events" VALUES(2,'2026-01-01 00:00:00.000000','liquidation_started','run','liq_20260101_000000_ab12cd34','cli',NULL,NULL,NULL,'{}','f7caf76d2abcc82b2bea63ce382da5e6f1aef88c646eccb6a06293ab51b45088','73e8ed618d52093efc39cb1133244a9a4e08faab29196805bbf0bd3b5a720645');
INSERT INTO "liquidation_events" VALUES(3,'2026-01-01 00:00:01.000000','liquidation_close_intended','run','liq_20260101_000000_ab12cd34','cli','BTC/USDT:USDT',NULL,NULL,'{"amount":0.5,"client_order_id":"x-1","side":"sell"}','73e8ed618d52093efc39cb1133244a9a4e08faab29196805bbf0bd3b5a720645','f524f965476e972e5d24333a583c4ab72d3407dc539e95ca572e1422827e56a3');
INSERT INTO "liquidation_events" VALUES(4,'2026-01-01 00:00:02.000000','liquidation_completed','run','liq_20260101_000000_ab12cd34','cli',NULL,NULL,NULL,'{}','f524f965476e972e5d24333a583c4ab72d3407dc539e95ca572e1422827e56a3','9d43482db0ca89fd3969fffdde203e916034ab3c18c2411ea17bb9658c1ac0b0');
INSERT INTO "liquidation_events" VALUES(5,'2026-11-29 15:45:55.507183','liquidation_latched','control','liq_20260101_000000_ab12cd34',NULL,NULL,NULL,NULL,'{"by":"cli somebody"}','9d43482db0ca89fd3969fffdde203e916034ab3c18c2411ea17bb9658c1ac0b0','003b493dea42b79150978e3d6aeff62bdd08d84594e05c909665096dd4d41987');
CREATE TABLE liquidation_lease (
	id INTEGER NOT NULL, 
	holder VARCHAR(32) NOT NULL, 
	host VARCHAR NOT NULL, 
	counter INTEGER NOT NULL, 
	renewed_at DATETIME NOT NULL, 
	clock_id VARCHAR(64) NOT NULL, 
	clock_s FLOAT NOT NULL, 
	released BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "liquidation_lease" VALUES(1,'9e2dbdd90476476b9562f8002e686c1c','host',1,'2026-11-29 15:45:55.515897','boot-1',629.611390744,0);
CREATE TABLE liquidation_record_ids (
	record_id VARCHAR(48) NOT NULL, 
	PRIMARY KEY (record_id)
);
INSERT INTO "liquidation_record_ids" VALUES('fd4b7859405641b8beca89ccda9ac0e0');
INSERT INTO "liquidation_record_ids" VALUES('c4aa01c53325410fa982a29633916304');
INSERT INTO "liquidation_record_ids" VALUES('75ecb4925ad34d18a6261768be0244c9');
INSERT INTO "liquidation_record_ids" VALUES('afe908f864d44923ae9bffee09b20c80');
INSERT INTO "liquidation_record_ids" VALUES('d07c1bcd02634bcf92d9970b58744b12');
CREATE TABLE liquidation_requests (
	id VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	clock_id VARCHAR(64) NOT NULL, 
	clock_s FLOAT NOT NULL, 
	pairs TEXT, 
	actor VARCHAR, 
	reason TEXT, 
	state VARCHAR(16) NOT NULL, 
	taken_by VARCHAR(32), 
	correlation_id VARCHAR, 
	result TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "liquidation_requests" VALUES('87152f5446af49a795599ac7a7fa3a42','2026-11-29 15:45:55.520850','boot-1',629.616203525,NULL,'cli',NULL,'waiting',NULL,NULL,NULL);
CREATE TABLE liquidation_runs (
	correlation_id VARCHAR NOT NULL, 
	"trigger" VARCHAR NOT NULL, 
	actor VARCHAR, 
	reason TEXT, 
	scope VARCHAR, 
	pairs TEXT, 
	state VARCHAR NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	positions_closed INTEGER NOT NULL, 
	positions_failed INTEGER NOT NULL, 
	orders_cancelled INTEGER NOT NULL, 
	total_realized_pnl FLOAT, 
	duration_seconds FLOAT, 
	config TEXT, 
	errors TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	last_sequence INTEGER NOT NULL, 
	last_hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (correlation_id)
);
INSERT INTO "liquidation_runs" VALUES('liq_20260101_000000_ab12cd34','cli',NULL,NULL,NULL,NULL,'completed','2026-01-01 00:00:00.000000','2026-01-01 00:00:02.000000',1,0,0,NULL,NULL,NULL,'[]','[]',5,'003b493dea42b79150978e3d6aeff62bdd08d84594e05c909665096dd4d41987');
CREATE INDEX ix_liquidation_runs_state ON liquidation_runs (state);
CREATE INDEX ix_liquidation_runs_started_at ON liquidation_runs (started_at);
CREATE INDEX ix_liquidation_events_event_type ON liquidation_events (event_type, timestamp);
CREATE INDEX ix_liquidation_events_correlation_id ON liquidation_events (correlation_id);
CREATE INDEX ix_liquidation_requests_state ON liquidation_requests (state);
CREATE INDEX ix_liquidation_claims_released ON liquidation_claims (released);
COMMIT;
