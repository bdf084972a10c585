BEGIN TRANSACTION;
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
        ) STRICT;
INSERT INTO "jobs" VALUES('j016baa80349','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a plain boat", "resolution": "480p"}','49082a212554e70f4d132f984e075abac7576d9d3c340f5aa24b7cedcb8d898b','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_8575562446',12.0,32.0,'the documented sample of seedance-2.0 at 720p, a guess here',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563348449689841272e+09,1.79563348451304268839e+09,1.7956334846743228435e+09,1.79563348491412830354e+09,1.79563348552270078662e+09,1.79563348542190384868e+09,'{"file": "j016baa80349.mp4", "fps": 24.0, "height": 480, "poster": "j016baa80349.jpg", "seconds": 4.0, "sha256": "272e35ac6e98aae8578f69ababf38604ee69cf8f5369948c8af5b7574044ba4a", "size": 101840, "width": 480}');
INSERT INTO "jobs" VALUES('jb181942488e','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "a café in Málaga", "resolution": "480p"}','b4a53cbf07f0a44c57cbe071b3cbe8a993778908ca6c5cc813bdae6daa55e89c','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_8584429812',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563348617719149586e+09,1.79563348617954230313e+09,1.79563348619124245643e+09,1.79563348641169452666e+09,1.79563348652166271208e+09,1.79563348641169452666e+09,'{"file": "jb181942488e.mp4", "fps": 24.0, "height": 480, "poster": "jb181942488e.jpg", "seconds": 4.0, "sha256": "816d12207c7396a29ceca2f4f90f3c4931daef50cac276edcd8a888e52ca4ae5", "size": 106032, "width": 480}');
INSERT INTO "jobs" VALUES('jc293a38e4f8','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "first line\r\nsecond line", "resolution": "480p"}','a50e17edf857979cae29f2cdd14708c190d0d53ca84bf620d79118ef63724bf3','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_2129643724',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563348680089378359e+09,1.79563348680443930632e+09,1.7956334868172316551e+09,1.7956334868172316551e+09,1.79563348705668663976e+09,0.0,'{"file": "jc293a38e4f8.mp4", "fps": 24.0, "height": 480, "poster": "jc293a38e4f8.jpg", "seconds": 4.0, "sha256": "f5ba82ee2b43f434488c973b4661bfff5f54354c62d02a48b0e968fe5e060155", "size": 117189, "width": 480}');
INSERT INTO "jobs" VALUES('j91fe66ac1ef','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "model": "seedance-2.0-fast", "prompt": "ten boats", "resolution": "480p"}','5d0daf25321f334a584c4be7a8352c1b5c190fd2119af347f189f9633ab85436','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_4767864894',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563348735797333717e+09,1.79563348736544251436e+09,1.79563348737663698194e+09,1.79563348759658670422e+09,1.79563348791521120067e+09,1.79563348781078815463e+09,'{"file": "j91fe66ac1ef.mp4", "fps": 24.0, "height": 480, "poster": "j91fe66ac1ef.jpg", "seconds": 4.0, "sha256": "58aedf4f341ee57123f49600b282fb831c5eb4517e6bd2643234901728f686aa", "size": 102194, "width": 480}');
INSERT INTO "jobs" VALUES('j2aa6671f779','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "metadata": {"run": 1}, "model": "seedance-2.0-fast", "prompt": "tagged", "resolution": "480p"}','9bea994dbf40f3618cc299cc7c71d6f3c9004059159ce45c79aaa55fac68d843','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_9026458402',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.7956334882813465595e+09,1.79563348830117964745e+09,1.79563348832485771174e+09,1795633488.74147,1.79563348907004213328e+09,1.79563348896455812452e+09,'{"file": "j2aa6671f779.mp4", "fps": 24.0, "height": 480, "poster": "j2aa6671f779.jpg", "seconds": 4.0, "sha256": "74f91f784dd588ee902379153bda4793cea60160b79cbf0e7206dc20d1904409", "size": 99006, "width": 480}');
INSERT INTO "jobs" VALUES('j6cab8a50360','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "metadata": {"run": 2}, "model": "seedance-2.0-fast", "prompt": "tagged", "resolution": "480p"}','660df58a4b2a3482d1c6edf939132233ca8b5ec467f2c636dd6419a30eb4df21','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_7171139521',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563348942057323461e+09,1.79563348943386411667e+09,1.79563348945032882691e+09,1.79563348966054201123e+09,1.79563348996408629412e+09,1.79563348985740876199e+09,'{"file": "j6cab8a50360.mp4", "fps": 24.0, "height": 480, "poster": "j6cab8a50360.jpg", "seconds": 4.0, "sha256": "d42f3da9fb3f90544efe91cedc1c43bf6f857a83bb2deb42b558f8899bb7c48b", "size": 98720, "width": 480}');
INSERT INTO "jobs" VALUES('j6869e236fc0','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "metadata": {"run": 1}, "model": "seedance-2.0-fast", "prompt": "tagged", "resolution": "480p"}','9bea994dbf40f3618cc299cc7c71d6f3c9004059159ce45c79aaa55fac68d843','seedance-2.0-fast',4,'480p',2,'succeeded','succeeded','req_9922020206',12.0,12.0,'what the ledger says such a request cost last',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563349023313117026e+09,1.79563349024196720121e+09,1.79563349025387263297e+09,1.79563349045662903782e+09,1.7956334907724986076e+09,1.79563349066746473308e+09,'{"file": "j6869e236fc0.mp4", "fps": 24.0, "height": 480, "poster": "j6869e236fc0.jpg", "seconds": 4.0, "sha256": "a6475e51b6af39e06096b88fb2e5687b609db76dc2645c095459628b584bc67c", "size": 99108, "width": 480}');
INSERT INTO "jobs" VALUES('j15daad4ba85','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "metadata": {"run": 1}, "model": "seedance-2.0-fast", "prompt": "tagged and [fail]", "resolution": "480p"}','9914d7cedf197b1bf1ea9160a2e6bd6f70b9aa9a37d41e7624eaefe6ed22a482','seedance-2.0-fast',4,'480p',1,'failed','failed','req_4846215239',12.0,12.0,'what the ledger says such a request cost last','the service could not make this video (the simulated rendering failed <as asked>); no real credits were charged; change the prompt or run it again','GenerationFailed','host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563349099706029889e+09,1.79563349100865459438e+09,1.79563349104987335204e+09,NULL,1.79563349127123808861e+09,1.79563349104987335204e+09,NULL);
INSERT INTO "jobs" VALUES('jabf5b82e3a0','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "metadata": {"run": 2}, "model": "seedance-2.0-fast", "prompt": "tagged and [fail]", "resolution": "480p"}','23003f491426850ae286d22eac7cbb5ca43673bec25f5ede4d4c929228de1fcd','seedance-2.0-fast',4,'480p',1,'failed','failed','req_6159653434',12.0,12.0,'what the ledger says such a request cost last','the service could not make this video (the simulated rendering failed <as asked>); no real credits were charged; change the prompt or run it again','GenerationFailed','host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563349128501558308e+09,1.79563349131121230122e+09,1.79563349132855582237e+09,NULL,1.79563349153355121612e+09,1.79563349132855582237e+09,NULL);
INSERT INTO "jobs" VALUES('j2669c2ee3f0','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "mediaUrls": ["https://bucket.s3.amazonaws.com/cat.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-Signature=0000000000000000000000000000000000000000000000000000000000000001"], "model": "seedance-2.0-fast", "prompt": "moves", "resolution": "480p"}','f4c253f9a0d33045ef5682bba64f68187fb764964c5c1b56e82322f8839dfa6c','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_7032516588',20.0,51.2,'the documented sample of seedance-2.0 at 720p, a guess here',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563349153931212424e+09,1.79563349155669498445e+09,1.79563349158093595505e+09,1.79563349183653354641e+09,1.79563349195781469342e+09,1.79563349183653354641e+09,'{"file": "j2669c2ee3f0.mp4", "fps": 24.0, "height": 480, "poster": "j2669c2ee3f0.jpg", "seconds": 4.0, "sha256": "13d76446fea35c8f33f0930164d1c317a7977ec0e035052c97a7c59746908d77", "size": 94490, "width": 480}');
INSERT INTO "jobs" VALUES('j8b6664e3ff2','name:lab','https://www.seedance2.ink',1,'{"aspectRatio": "1:1", "duration": 4, "mediaUrls": ["https://bucket.s3.amazonaws.com/cat.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260102T000000Z&X-Amz-Expires=3600&X-Amz-Signature=0000000000000000000000000000000000000000000000000000000000000002"], "model": "seedance-2.0-fast", "prompt": "moves", "resolution": "480p"}','c36ce6655e80ba82daf4c67a86b58488a2709dfda28e7f5fa9b4ced1f6ae8e07','seedance-2.0-fast',4,'480p',1,'succeeded','succeeded','req_6852441091',20.0,20.0,'what the ledger says such a request cost last',NULL,NULL,'host pid:[1]|12527|881.05|6511026e906b',NULL,1.79563349220536231992e+09,1.79563349221321415898e+09,1795633492.23092,1.7956334925735807419e+09,1.79563349289271688459e+09,1.79563349278813266752e+09,'{"file": "j8b6664e3ff2.mp4", "fps": 24.0, "height": 480, "poster": "j8b6664e3ff2.jpg", "seconds": 4.0, "sha256": "7e7d17f925f6c336bb9988f3d1280298426c3966a15b4efb2c51839aa7f7cdf2", "size": 94397, "width": 480}');
CREATE TABLE reuses (
            key TEXT NOT NULL REFERENCES jobs (key),
            at REAL NOT NULL,
            credits_saved REAL,
            notebook TEXT
        ) STRICT;
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
CREATE UNIQUE INDEX one_per_intention ON jobs (account, request_hash, take) WHERE status NOT IN ('failed', 'cancelled', 'rejected');
CREATE INDEX by_request_id ON jobs (request_id);
CREATE INDEX by_time ON jobs (created_at);
CREATE INDEX by_kind ON jobs (base_url, model, duration, resolution, finished_at);
CREATE INDEX by_price ON jobs (base_url, model, resolution, created_at) WHERE credits > 0;
CREATE INDEX unfinished ON jobs (account, created_at) WHERE status IN ('submitting', 'queued', 'processing') OR (status = 'succeeded' AND clip IS NULL);
CREATE INDEX votes_by_left ON votes (left_key);
COMMIT;
PRAGMA user_version = 2;
