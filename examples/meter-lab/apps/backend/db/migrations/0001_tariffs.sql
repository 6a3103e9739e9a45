CREATE TABLE "tariffs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"price_per_unit" numeric(10, 5) NOT NULL,
	CONSTRAINT "tariffs_name_unique" UNIQUE("name")
);
--> statement-breakpoint
ALTER TABLE "meters" ADD COLUMN "tariff_id" uuid;--> statement-breakpoint
ALTER TABLE "meters" ADD CONSTRAINT "meters_tariff_id_tariffs_id_fk" FOREIGN KEY ("tariff_id") REFERENCES "public"."tariffs"("id") ON DELETE no action ON UPDATE no action;