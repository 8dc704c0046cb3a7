package letters

import (
	"bytes"
	"image/color"
	"testing"
)

// maxPNG is what the printer takes for one page.
const maxPNG = 64 << 10

// checkPage fails the test unless the letter's page is white with black bars
// and small enough for the printer.
func checkPage(t *testing.T, letter string) {
	t.Helper()
	page := Page(letter)
	if got := page.At(0, 0); got != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("%s: the corner is %v, want white", letter, got)
	}
	if got := page.At(120, 299); got != (color.RGBA{0, 0, 0, 255}) {
		t.Errorf("%s: the first glyph is %v, want black", letter, got)
	}
	var out bytes.Buffer
	if err := WritePNG(&out, letter); err != nil {
		t.Fatal(err)
	}
	if out.Len() > maxPNG {
		t.Errorf("%s: the PNG has %d bytes, at most %d fit", letter, out.Len(), maxPNG)
	}
}

func TestInvoice(t *testing.T) {
	checkPage(t, "invoice")
}

func TestReceipt(t *testing.T) {
	checkPage(t, "receipt")
}

func TestReminder(t *testing.T) {
	checkPage(t, "reminder")
}

func TestSecondReminder(t *testing.T) {
	checkPage(t, "second-reminder")
}

func TestFinalNotice(t *testing.T) {
	checkPage(t, "final-notice")
}

func TestDeliveryNote(t *testing.T) {
	checkPage(t, "delivery-note")
}

func TestReturnLabel(t *testing.T) {
	checkPage(t, "return-label")
}

func TestReturnReceived(t *testing.T) {
	checkPage(t, "return-received")
}

func TestRefund(t *testing.T) {
	checkPage(t, "refund")
}

func TestPartialRefund(t *testing.T) {
	checkPage(t, "partial-refund")
}

func TestVoucher(t *testing.T) {
	checkPage(t, "voucher")
}

func TestGiftCard(t *testing.T) {
	checkPage(t, "gift-card")
}

func TestWelcome(t *testing.T) {
	checkPage(t, "welcome")
}

func TestPasswordChanged(t *testing.T) {
	checkPage(t, "password-changed")
}

func TestAddressChanged(t *testing.T) {
	checkPage(t, "address-changed")
}

func TestOrderConfirmed(t *testing.T) {
	checkPage(t, "order-confirmed")
}

func TestOrderDelayed(t *testing.T) {
	checkPage(t, "order-delayed")
}

func TestOrderSplit(t *testing.T) {
	checkPage(t, "order-split")
}

func TestOrderCancelled(t *testing.T) {
	checkPage(t, "order-cancelled")
}

func TestBackInStock(t *testing.T) {
	checkPage(t, "back-in-stock")
}

func TestPriceAlert(t *testing.T) {
	checkPage(t, "price-alert")
}

func TestNewsletter(t *testing.T) {
	checkPage(t, "newsletter")
}

func TestSurvey(t *testing.T) {
	checkPage(t, "survey")
}

func TestWarrantyCard(t *testing.T) {
	checkPage(t, "warranty-card")
}

func TestRecallNotice(t *testing.T) {
	checkPage(t, "recall-notice")
}

func TestYearlyStatement(t *testing.T) {
	checkPage(t, "yearly-statement")
}

func TestTaxStatement(t *testing.T) {
	checkPage(t, "tax-statement")
}

func TestAccountClosed(t *testing.T) {
	checkPage(t, "account-closed")
}
