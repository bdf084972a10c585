BEGIN TRANSACTION;
CREATE TABLE accounts (
        account TEXT PRIMARY KEY,
        same_as TEXT NOT NULL,
        at REAL NOT NULL
    ) STRICT;
INSERT INTO "accounts" VALUES('0123456789abcdef0123','name:lab',1000.0);
CREATE TABLE jobs (
            key TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            base_url TEXT NOT NULL,
            simulated INTEGER NOT NULL DEFAULT 0,
            request TEXT NOT NULL,
            request_hash TEXT NOT NULL,
            model TEXT NOT NULL,
            duration INTEGER,
            resolution TEXT,
            take INTEGER NOT NULL,
            status TEXT NOT NULL,
            status_text TEXT NOT NULL,
            request_id TEXT,
            credits REAL,
            estimate REAL,
            estimate_source TEXT,
            error TEXT,
            error_kind TEXT,
            owner TEXT,
            notebook TEXT,
            created_at REAL NOT NULL,
            sent_at REAL,
            accepted_at REAL,
            processing_at REAL,
            finished_at REAL,
            checked_at REAL,
            clip TEXT
        , number INTEGER) STRICT;
INSERT INTO "jobs" VALUES('jae7c04dec33','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a paper boat", "resolution": "480p"}','62af18906c6866d046d52e0fffa362707569168704d603428a196f672b53553b','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_6407383607',12.0,32.0,'the documented sample of seedance-2.0 at 720p, a guess here',NULL,NULL,'laboratory|4242|1.00|0123456789ab',NULL,1.70105357894488811495e+09,1.70105357962929415699e+09,1.70105357970690798758e+09,NULL,1.70105358050880336754e+09,1.70105357970690798758e+09,'{"codec": "h264", "file": "jae7c04dec33.mp4", "fps": 12.0, "height": 96, "modified": 1795661581498292058, "poster": "jae7c04dec33.jpg", "seconds": 4.0, "sha256": "15f0499778d6c7f3cc20df4bde593a5817bf8777ac52882e5901c0f3ddec8163", "size": 3117, "sound": "", "unplayable": null, "width": 96}',1);
INSERT INTO "jobs" VALUES('jb4e3febdd60','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "metadata": {"run": 1}, "model": "seedance-2.0-fast", "prompt": "a paper plane", "resolution": "480p"}','5719a667e0d50be8a1fddfa6c5057504bbe4456cf42834870616ad8dbc4cd082','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_2691202203',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'laboratory|4242|1.00|0123456789ab',NULL,1.70105358250450587271e+09,1.70105358253393149376e+09,1.70105358255482292176e+09,NULL,1.70105358296136426922e+09,1.70105358255482292176e+09,NULL,2);
INSERT INTO "jobs" VALUES('jdc425ac9dcd','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a kite that tears [fail]", "resolution": "480p"}','be1b4d08088b47c34d99a1d775e358d43e894a8ceb23cd35caa7ed2692363387','seedance-2.0-fast',4,'480p',1,'failed','failed','req_6702479074',12.0,12.0,'what the ledger says such a request cost last','the service could not make this video (the simulated rendering failed <as asked>); no real credits were charged; change the prompt or run it again','GenerationFailed','laboratory|4242|1.00|0123456789ab',NULL,1.70105358346535944936e+09,1.70105358346823859212e+09,1.70105358351492381096e+09,NULL,1.70105358382891273501e+09,1.70105358351492381096e+09,NULL,3);
INSERT INTO "jobs" VALUES('jc643d6b41f9','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a cancelled kite [stuck]", "resolution": "480p"}','06f6031dd2e198df99fd2062d4fcc5fd8e2e767e2cb65fac76082896d6b1a672','seedance-2.0-fast',4,'480p',1,'cancelled','cancelled','req_8097019633',12.0,12.0,'what the ledger says such a request cost last','cancelled; no real credits were charged; run it again for a new try','GenerationCancelled','laboratory|4242|1.00|0123456789ab',NULL,1.70105358417030382151e+09,1.70105358417986202244e+09,1.70105358424074983598e+09,NULL,1.70105358427160882955e+09,1.70105358424074983598e+09,NULL,4);
INSERT INTO "jobs" VALUES('j48d3329dd20','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a refused kite", "resolution": "480p"}','f26826ab74c70ce78eb1a92dde4b18ce06b8adbdc90cdb18108891c389d12a3b','seedance-2.0-fast',4,'480p',1,'rejected','rejected',NULL,0.0,12.0,'what the ledger says such a request cost last','refused (the service said: the (key) answers 400 as asked); nothing was charged; change the request and run it again','ApiError','laboratory|4242|1.00|0123456789ab',NULL,1.70105358435300040246e+09,1.70105358436701345446e+09,NULL,NULL,1.70105358438491177557e+09,NULL,NULL,5);
INSERT INTO "jobs" VALUES('jd103794ea22','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "an unanswered kite", "resolution": "480p"}','c12cc73c579e36c46af1dcd05d00ba280ed0094af8746604e6f9b71abfe864e8','seedance-2.0-fast',4,'480p',1,'unknown','unknown',NULL,NULL,12.0,'what the ledger says such a request cost last','this may have been accepted and charged (the server closed the connection without an answer); it is not sent again by itself: look at your dashboard, then attach its id, or buy another take with --fresh.','OutcomeUnknown','laboratory|4242|1.00|0123456789ab',NULL,1.70105358446105456348e+09,1.70105358449702572824e+09,NULL,NULL,1.70105358453167343144e+09,NULL,NULL,6);
INSERT INTO "jobs" VALUES('j645e9fe9680','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a paper lantern", "resolution": "480p"}','46e6ff03aaac2acd15cfd108f07bf4f1e706b65ed8ff0611ac87f007e50c9539','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_4978005747',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'laboratory|4242|1.00|0123456789ab','before.ipynb',1.70105359494493579863e+09,1.70105359507684016223e+09,1.70105359509895277024e+09,NULL,1.7010535953978934288e+09,1.70105359509895277024e+09,'{"codec": "h264", "file": "j645e9fe9680.mp4", "fps": 12.0, "height": 96, "modified": 1795661595849393321, "poster": "j645e9fe9680.jpg", "seconds": 4.0, "sha256": "15f0499778d6c7f3cc20df4bde593a5817bf8777ac52882e5901c0f3ddec8163", "size": 3117, "sound": "", "unplayable": null, "width": 96}',7);
INSERT INTO "jobs" VALUES('j1b8505d959e','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a kite that waits", "resolution": "480p"}','9ce9684eb5543b61b1c12c9e60dda44ec1da738e9184a38dd07ec5ff1589a58e','seedance-2.0-fast',4,'480p',1,'queued','queued','req_9731482588',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'laboratory|4242|1.00|0123456789ab',NULL,1.7010536009265146255e+09,1.70105360120813775062e+09,1.7010536012809443474e+09,NULL,NULL,1.7010536012809443474e+09,NULL,8);
INSERT INTO "jobs" VALUES('jc9b32f934a0','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a kite in the making", "resolution": "480p"}','8933a2e1617623651a25eabd94a15fbca4aea0fe6a633ef07620462644916ec1','seedance-2.0-fast',4,'480p',1,'processing','processing','req_6812048628',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'laboratory|4242|1.00|0123456789ab',NULL,1.70105360364585208891e+09,1.70105360382868957521e+09,1.70105360389047813416e+09,1.70105360415324211118e+09,NULL,1.70105360389047813416e+09,NULL,9);
INSERT INTO "jobs" VALUES('j5be1c6b5168','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a kite in the air", "resolution": "480p"}','ecb3f772bfa420c9c2e8ab9004053efb400178bcd4a5ada3df6a1c801de25370','seedance-2.0-fast',4,'480p',1,'submitting','submitting',NULL,NULL,12.0,'what the ledger says such a request cost last',NULL,NULL,'laboratory|4242|1.00|0123456789ab',NULL,1.7010536066965944767e+09,1.70105360694460678097e+09,NULL,NULL,NULL,NULL,NULL,10);
INSERT INTO "jobs" VALUES('j4a161600ed7','simulator','simulator',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a kite that was never sent", "resolution": "480p"}','5669e1cb996f4eeb98707558405725a9d1af473506dfad9097ceee9642679f4e','seedance-2.0-fast',4,'480p',1,'submitting','submitting',NULL,NULL,12.0,'what the ledger says such a request cost last',NULL,NULL,'laboratory|4242|1.00|0123456789ab',NULL,1.70105360979601669306e+09,NULL,NULL,NULL,NULL,NULL,NULL,11);
CREATE TABLE reuses (
            key TEXT NOT NULL REFERENCES jobs (key),
            at REAL NOT NULL,
            credits_saved REAL,
            notebook TEXT
        ) STRICT;
INSERT INTO "reuses" VALUES('jae7c04dec33',1.70105358345811271672e+09,12.0,NULL);
CREATE TABLE votes (
        id TEXT PRIMARY KEY,
        rater TEXT NOT NULL,
        aspect TEXT NOT NULL,
        left_key TEXT NOT NULL,
        right_key TEXT NOT NULL,
        choice TEXT NOT NULL CHECK (choice IN ('left', 'right', 'tie', 'both bad')),
        at REAL NOT NULL,
        repeats TEXT,
        source TEXT NOT NULL,
        withdrawn INTEGER NOT NULL DEFAULT 0
    ) STRICT;
INSERT INTO "votes" VALUES('v1','Ann','overall','jae7c04dec33','jb4e3febdd60','left',1000.0,NULL,'notebook',0);
INSERT INTO "votes" VALUES('v2','Bob','motion','jb4e3febdd60','jae7c04dec33','tie',1001.0,NULL,'notebook',0);
INSERT INTO "votes" VALUES('v3','Bob','overall','jae7c04dec33','jb4e3febdd60','right',1002.0,NULL,'notebook',1);
CREATE UNIQUE INDEX one_per_intention ON jobs (account, request_hash, take) WHERE status NOT IN ('failed', 'cancelled', 'rejected');
CREATE INDEX by_request_id ON jobs (request_id);
CREATE INDEX by_kind ON jobs (base_url, model, duration, resolution, finished_at);
CREATE INDEX unfinished ON jobs (account, created_at) WHERE status IN ('submitting', 'queued', 'processing') OR (status = 'succeeded' AND clip IS NULL);
CREATE INDEX votes_by_left ON votes (left_key);
CREATE INDEX by_number ON jobs (number);
CREATE INDEX by_price ON jobs (base_url, model, resolution, number) WHERE credits > 0;
CREATE INDEX by_intention ON jobs (request_hash, take);
COMMIT;
PRAGMA user_version = 6;
