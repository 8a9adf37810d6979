Attribute VB_Name = "XlEconRibbon"
' The buttons of the tab xl-econ: each asks a function of xl_econ.addin.macros and shows its answer, if it has one.
Option Explicit

Private Const PYTHON_MODULE As String = "xl_econ.addin.macros"
Private Const HELP_ADDRESS As String = "@HELP@"
Private noted As String

' Every button: its tag is the macro, with the macro's argument behind a colon if it has one.
Public Sub XlEconButton(ByVal control As Object)
    Dim words() As String
    words = Split(control.Tag & ":", ":")
    If words(0) = "help" Then
        ThisWorkbook.FollowHyperlink HELP_ADDRESS
    Else
        Tell Ran(words(0), words(1)), words(0)
    End If
    If words(0) = "refresh_prices" Then
        XlEconForget
        Application.CalculateFull
    End If
End Sub

' Keeps the reason of an error that did not come from Python, for the button Why? and for About.
Public Sub XlEconNote(ByVal reason As String)
    noted = reason
End Sub

Private Function Ran(ByVal macro As String, ByVal argument As String) As String
    Dim python As Object, arguments As Variant
    On Error GoTo failed
    Set python = XlEconServerObject()
    arguments = Array()
    If Len(argument) > 0 Then arguments = Array(argument)
    Ran = python.Str(python.Call(python.Module(PYTHON_MODULE), macro, python.TupleFromArray(arguments)))
    If Ran = "None" Then Ran = ""
    If macro = "why" And Len(noted) > 0 Then Ran = noted & vbLf & Ran
    Exit Function
failed:
    Ran = "xl-econ " & XL_ECON_VERSION_OF_ADDIN & " (the add-in)" & vbLf & Err.Description
End Function

Private Sub Tell(ByVal text As String, ByVal macro As String)
    If Len(text) > 0 Then MsgBox text, vbInformation, "xl-econ: " & Replace(macro, "_", " ")
End Sub
