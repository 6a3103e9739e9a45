ALTER TYPE "public"."meter_kind" ADD VALUE 'water';--> statement-breakpoint
CREATE INDEX "readings_of_meter" ON "readings" USING btree ("meter_id","taken_at" DESC NULLS LAST);